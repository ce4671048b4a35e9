// The EventSource of undici, which is that of Node behind a flag.
import { EventSource } from 'undici'
import { listen } from './telling.mjs'

listen(new EventSource(process.argv[2]))
