// Owns an unprivileged Apache with mod_auth_openidc from Debian: a configuration of its own, in a folder of its own, on a port of its own.
// Asserts nothing.

import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireFile, startProgram } from './programs.ts'
import type { Ending } from './world.ts'

const MODULES = '/usr/lib/apache2/modules'
const LOADED = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'mime', 'include', 'auth_openidc']

// What the application behind sees: who is signed in, and what is told of him.
const PAGE = ['REMOTE_USER', 'OIDC_CLAIM_sub', 'OIDC_CLAIM_email', 'OIDC_CLAIM_name', 'OIDC_CLAIM_groups']
  .map((name) => `${name}=<!--#echo encoding="none" var="${name}" -->`)
  .join('\n')

interface Folder {
  readonly path: string
  readonly user: { readonly uid: number; readonly gid: number } | undefined
}

const nobody = async (): Promise<Folder['user']> => {
  if (process.getuid?.() !== 0) return undefined
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined) throw new Error('there is no user nobody to run Apache as')
  return { uid: Number(uid), gid: Number(gid) }
}

const makeFolder = async (t: Ending): Promise<Folder> => {
  const path = await mkdtemp(join(tmpdir(), 'vouchsafe-apache-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  const user = await nobody()
  if (user !== undefined) await chown(path, user.uid, user.gid)
  return { path, user }
}

const configOf = (folder: string, origin: string, directives: Readonly<Record<string, string>>): string =>
  [
    ...LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
    `ServerRoot "${folder}"`,
    `DefaultRuntimeDir "${folder}"`,
    `PidFile "${folder}/httpd.pid"`,
    'Mutex posixsem',
    `Listen ${new URL(origin).host}`,
    `ServerName ${origin}`,
    `ErrorLog "${folder}/error.log"`,
    'LogLevel warn auth_openidc:info',
    `DocumentRoot "${folder}"`,
    'TypesConfig /dev/null',
    'AddType text/html .shtml',
    'AddOutputFilter INCLUDES .shtml',
    'DirectoryIndex page.shtml',
    `OIDCCryptoPassphrase "of this Apache alone"`,
    `OIDCRedirectURI ${origin}/redirect`,
    'OIDCPassClaimsAs environment',
    ...Object.entries(directives).map(([name, value]) => `${name} ${value}`),
    '<Location "/">',
    'Options +Includes',
    'AuthType openid-connect',
    'Require valid-user',
    '</Location>',
    '',
  ].join('\n')

/** Starts Apache at an origin of this machine with these directives of mod_auth_openidc; throws with its log where it does not come up. */
export const startApache = async (
  t: Ending,
  origin: string,
  directives: Readonly<Record<string, string>>,
): Promise<void> => {
  requireFile(`${MODULES}/mod_auth_openidc.so`, 'libapache2-mod-auth-openidc')
  const { path, user } = await makeFolder(t)
  const all = { 'page.shtml': PAGE, 'httpd.conf': configOf(path, origin, directives) }
  for (const [name, text] of Object.entries(all)) {
    await writeFile(join(path, name), text)
    if (user !== undefined) await chown(join(path, name), user.uid, user.gid)
  }
  const program = {
    path: '/usr/sbin/apache2',
    debian: 'apache2-bin',
    args: ['-DFOREGROUND', '-f', join(path, 'httpd.conf')],
    ...(user === undefined ? {} : { user }),
    origin,
  }
  try {
    await startProgram(t, program)
  } catch (error) {
    const log = await readFile(join(path, 'error.log'), 'utf8').catch(() => 'and it left no log')
    throw new Error(`Apache did not start: ${log}`, { cause: error })
  }
}
