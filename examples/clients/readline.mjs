// Node's own readline and JSON.parse.
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { tell } from './telling.mjs'

const answer = await fetch(process.argv[2])
for await (const line of createInterface({ input: Readable.fromWeb(answer.body), crlfDelay: Infinity })) {
  if (line) tell({ value: JSON.parse(line) })
}
