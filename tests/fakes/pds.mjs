// A real Bluesky server with a directory in memory, on loopback. Prints one line of JSON when it is
// ready, and ends with its standard input. Its packages are in the folder NODE_ROOT.
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const load = createRequire(join(process.env.NODE_ROOT, 'package.json'))
const [pdsPort, plcPort] = process.argv.slice(2).map(Number)

// Both listen on every interface unless told otherwise, and cannot be told.
const listen = Server.prototype.listen
Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number' && typeof rest[0] !== 'string'
    ? listen.call(this, port, '127.0.0.1', ...rest)
    : listen.call(this, port, ...rest)
}

const { PlcServer, Database } = load('@did-plc/server')
const { PDS, envToCfg, envToSecrets, readEnv } = load('@atproto/pds')
const folder = mkdtempSync(join(tmpdir(), 'bot-pds-'))
Object.assign(process.env, {
  LOG_ENABLED: 'false',
  PDS_PORT: String(pdsPort),
  PDS_HOSTNAME: 'localhost',
  PDS_DEV_MODE: 'true',
  PDS_DATA_DIRECTORY: folder,
  PDS_BLOBSTORE_DISK_LOCATION: join(folder, 'blobs'),
  PDS_DID_PLC_URL: `http://127.0.0.1:${plcPort}`,
  PDS_INVITE_REQUIRED: 'false',
  PDS_SERVICE_HANDLE_DOMAINS: '.test',
  PDS_ADMIN_PASSWORD: 'admin',
  PDS_JWT_SECRET: 'secret of a test',
  PDS_DPOP_SECRET: '11'.repeat(32),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: '22'.repeat(32),
})
const plc = PlcServer.create({ db: Database.mock(), port: plcPort })
await plc.start()
const env = readEnv()
const pds = await PDS.create(envToCfg(env), envToSecrets(env))
await pds.start()
console.log(JSON.stringify({ base: `http://127.0.0.1:${pdsPort}` }))

process.stdin.resume()
process.stdin.on('end', async () => {
  await pds.destroy()
  await plc.destroy()
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})
