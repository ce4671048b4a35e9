// The HTTP interface of PouchDB Server over a database in memory. The port is the argument.
import express from 'express';
import expressPouchdb from 'express-pouchdb';
import memory from 'pouchdb-adapter-memory';
import PouchDB from 'pouchdb';

PouchDB.plugin(memory);
const InMemory = PouchDB.defaults({ adapter: 'memory' });
const app = express();
app.use('/', expressPouchdb(InMemory, { inMemoryConfig: true, logPath: '/dev/null' }));
await new InMemory('streamvet').info();
app.listen(Number(process.argv[2]), '127.0.0.1');
