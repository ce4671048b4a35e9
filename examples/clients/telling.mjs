// One line of JSON for each event. A client that delivers by name listens for these names.
export const NAMES = ['message', 'progress']

export function tell(event) {
  process.stdout.write(JSON.stringify(event) + '\n')
}

export function listen(source) {
  for (const name of NAMES) {
    source.addEventListener(name, event => tell({ type: event.type, data: event.data, id: event.lastEventId }))
  }
  setInterval(() => {}, 60_000) // between two connections nothing else keeps the process
}
