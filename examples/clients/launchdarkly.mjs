// The package launchdarkly-eventsource.
import { EventSource } from 'launchdarkly-eventsource'
import { listen } from './telling.mjs'

const source = new EventSource(process.argv[2])
source.onerror = () => {}
listen(source)
