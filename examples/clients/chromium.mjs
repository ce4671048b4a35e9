// The EventSource of a browser. CHROMIUM is the address of its debugging port.
import { WebSocket } from 'undici'
import { NAMES } from './telling.mjs'

const page = url => `for (const name of ${JSON.stringify(NAMES)}) (window.source ??= new EventSource(${JSON.stringify(url)}))
  .addEventListener(name, e => tell(JSON.stringify({ type: e.type, data: e.data, id: e.lastEventId })))`
const url = process.argv[2]
const port = process.env.CHROMIUM
const target = await (await fetch(`${port}/json/new?${new URL('/', url)}`, { method: 'PUT' })).json()
const socket = new WebSocket(target.webSocketDebuggerUrl)
let last = 0
const send = (method, params) => socket.send(JSON.stringify({ id: ++last, method, params }))
socket.onopen = () => {
  send('Runtime.enable')
  send('Runtime.addBinding', { name: 'tell' })
  send('Page.enable')
  send('Page.navigate', { url: String(new URL('/', url)) })
}
socket.onmessage = ({ data }) => {
  const { method, params } = JSON.parse(data)
  if (method === 'Page.loadEventFired') send('Runtime.evaluate', { expression: page(url) })
  if (method === 'Runtime.bindingCalled') process.stdout.write(params.payload + '\n')
}
process.on('SIGTERM', async () => {
  await fetch(`${port}/json/close/${target.id}`)
  process.exit(0)
})
