// Pushes a session, then a plan, and prints the progress of each.
const PUSHES = {
  sessions: { session_id: "0b7e3c52-0000-4000-8000-000000000001", title: "Grüße 🎸", data: '{"type":"user"}\n' },
  plans: { name: "my-plan.md", content: "# A plan\n" },
};

for (const [path, body] of Object.entries(PUSHES)) {
  const response = await fetch(`https://rockstar.ninja/api/v1/${path}`, {
    method: "POST",
    headers: { Authorization: "Bearer <jwt>", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  let buffer = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (buffer + text).split("\n");
    buffer = lines.pop();
    for (const line of lines) {
      console.log(JSON.stringify(JSON.parse(line)));
    }
  }
}
