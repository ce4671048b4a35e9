// Prints the events of a run up to its end.
const es = new EventSource("http://localhost:4000/v1/runs/<run id>/events/stream?token=<jwt>");

for (const kind of ["status", "assist", "end"]) {
  es.addEventListener(kind, (event) => console.log(kind, event.data));
}
es.addEventListener("end", () => es.close());
es.onerror = () => es.close();
