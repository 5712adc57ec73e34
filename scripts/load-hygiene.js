// Owns: finding the built hygiene functions for the scripts that share them with the tests.
// Never: builds.

/**
 * Loads the catalogue functions from the built tests of the core.
 * Ends the process with a plain word when there is no build.
 */
export const loadHygiene = async () => {
  const room = new URL('../packages/core/dist-test/hygiene/', import.meta.url)
  try {
    const [catalogue, tree] = await Promise.all([
      import(new URL('catalogue.js', room)),
      import(new URL('tree.js', room)),
    ])
    return { ...catalogue, ...tree }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
      console.error(`${error.message}\nRun \`npm run build\` first.`)
      process.exit(2)
    }
    throw error
  }
}
