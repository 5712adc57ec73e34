// Owns the templates: all of them are read and compiled at start, so that a broken one stops the start and not a page.
// Never touches the file system afterwards.

import { readdirSync, readFileSync } from 'node:fs'
import { Eta } from 'eta'
import { VIEWS_FOLDER } from './assets.ts'
import { escapeValue } from './text.ts'

const EXTENSION = '.eta'

const loadTemplates = (): Eta => {
  const eta = new Eta({ autoEscape: true, cache: true, escapeFunction: escapeValue, rmWhitespace: false })
  for (const file of readdirSync(VIEWS_FOLDER)) {
    if (!file.endsWith(EXTENSION)) continue
    // Names with an @ are looked up in memory only.
    eta.loadTemplate(`@${file.slice(0, -EXTENSION.length)}`, readFileSync(new URL(file, VIEWS_FOLDER), 'utf8'))
  }
  return eta
}

const templates = loadTemplates()

/** Renders a template by its file's name without extension; throws on a name that does not exist. */
export const renderTemplate = (name: string, data: object): string => templates.render(`@${name}`, data)
