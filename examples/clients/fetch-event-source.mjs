// The package @microsoft/fetch-event-source, which is written for pages: it asks whether the page is visible.
import { tell } from './telling.mjs'

globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} }
globalThis.window = globalThis
const { fetchEventSource } = await import('@microsoft/fetch-event-source')
await fetchEventSource(process.argv[2], {
  onmessage: ({ event, data, id }) => tell({ type: event || 'message', data, id }),
})
