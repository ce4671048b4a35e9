// The package eventsource.
import { EventSource } from 'eventsource'
import { listen } from './telling.mjs'

listen(new EventSource(process.argv[2]))
