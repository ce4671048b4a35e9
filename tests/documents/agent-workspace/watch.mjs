// Prints everything that happens in the fleet. EventSource sends no cookie that a script gives it, so this is a fetch loop.
const response = await fetch("https://saas-factory.ai/api/agent-workspace/stream", {
  headers: { Cookie: "session=<session>", Accept: "text/event-stream" },
});

let buffer = "";
let event = "";
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (buffer + text).split("\n");
  buffer = lines.pop();
  for (const line of lines) {
    if (line.startsWith("event: ")) {
      event = line.slice(7);
    } else if (line.startsWith("data: ")) {
      console.log(event, line.slice(6));
    }
  }
}
