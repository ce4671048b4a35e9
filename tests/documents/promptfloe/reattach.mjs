// Reads on in a run whose connection was lost, after the last event that had come.
const response = await fetch("https://api.promptfloe.com/v1/runs/<run id>/events?cursor=<last event id>", {
  headers: { Authorization: "Bearer <api key>" },
});

let buffer = "";
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (buffer + text).split("\n");
  buffer = lines.pop();
  for (const line of lines.filter((line) => line.trim())) {
    console.log(JSON.stringify(JSON.parse(line)));
  }
}
