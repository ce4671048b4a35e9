// The package ndjson behind fetch.
import { Readable } from 'node:stream'
import ndjson from 'ndjson'
import { tell } from './telling.mjs'

const answer = await fetch(process.argv[2])
const values = Readable.fromWeb(answer.body).on('error', error => values.destroy(error)).pipe(ndjson.parse())
values.on('error', error => { tell({ error: String(error) }); process.exit(1) })
values.on('data', value => tell({ value }))
