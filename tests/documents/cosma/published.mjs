const eventSource = new EventSource('http://localhost:60534/api/updates');

eventSource.addEventListener('update', (event) => {
  const data = JSON.parse(event.data);
  console.log(`[${data.opcode}]`, data.data);
});
