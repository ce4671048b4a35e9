// The package eventsource-parser behind fetch, as many SDKs use it.
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { tell } from './telling.mjs'

const answer = await fetch(process.argv[2], { headers: { Accept: 'text/event-stream' } })
const events = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
for await (const { event, data, id } of events) tell({ type: event ?? 'message', data, id: id ?? '' })
