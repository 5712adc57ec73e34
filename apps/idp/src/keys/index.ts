// The door of the keys room.

import type { Config } from '../config/index.ts'
import { readOrMakeKeyFile } from './key-file.ts'
import { createSealer, type Sealer } from './sealing.ts'

export { KeyFileError } from './key-file.ts'
export { SealError, type Sealer } from './sealing.ts'
export { openSigningKeys, type SigningKeyDeps, type SigningKeys, sealedKeyMaker } from './signing-keys.ts'

/** The sealer that the configuration asks for: by its secret, or outside production by the key file in the data folder. */
export const sealerFor = async (config: Pick<Config, 'keyEncryption' | 'dataFolder'>): Promise<Sealer> =>
  createSealer(config.keyEncryption ?? { current: await readOrMakeKeyFile(config.dataFolder), previous: [] })
