// Owns talking to the person at the terminal: output, questions, hidden input. Never puts what was typed in hiding on the screen.

import type { ReadStream, WriteStream } from 'node:tty'
import { type Secret, secret } from '@vouchsafe/core'

/** Where a command prints and asks. */
export interface Terminal {
  /** Output of the command: what a program would read. */
  print(text: string): void
  /** Sentences for the person. */
  tell(text: string): void
  /** Whether there is a person to ask. */
  readonly canAsk: boolean
  /** Asks for something without showing what is typed; undefined when the person gives up. */
  askHidden(question: string): Promise<Secret | undefined>
  /** Asks a yes-or-no question; no unless it is answered `yes`. */
  confirm(question: string): Promise<boolean>
  /** All of standard input, without one line break at its end; undefined when it is longer than 16 KiB. */
  readInput(): Promise<Secret | undefined>
}

const MAX_INPUT = 16 * 1024
const ENTER = ['\r', '\n']
const GIVE_UP = ['\u0003', '\u0004']
const BACK = ['\u0008', '\u007f']

interface Streams {
  readonly input: ReadStream
  readonly output: NodeJS.WritableStream
  readonly errors: WriteStream
}

/** Reads one line key by key, in raw mode where it is to be hidden, so that the terminal itself shows nothing. */
const readLine = ({ input, errors }: Streams, question: string, hidden: boolean): Promise<string | undefined> =>
  new Promise((resolve) => {
    errors.write(question)
    let typed: readonly string[] = []
    const wasRaw = input.isRaw
    const finish = (answer: string | undefined): void => {
      input.off('data', take)
      input.setRawMode(wasRaw)
      input.pause()
      errors.write('\n')
      resolve(answer)
    }
    const take = (chunk: Buffer): void => {
      for (const key of chunk.toString('utf8')) {
        if (ENTER.includes(key) || GIVE_UP.includes(key)) {
          finish(ENTER.includes(key) ? typed.join('') : undefined)
          return
        }
        if (BACK.includes(key)) typed = typed.slice(0, -1)
        else if (key >= ' ') typed = [...typed, key]
        if (!hidden && key >= ' ') errors.write(key)
      }
    }
    input.setRawMode(true)
    input.on('data', take)
    input.resume()
  })

/** The terminal of a process. */
export const processTerminal = (streams: Streams): Terminal => ({
  print: (text) => void streams.output.write(text),
  tell: (text) => void streams.errors.write(`${text}\n`),
  canAsk: streams.input.isTTY === true && streams.errors.isTTY === true,
  askHidden: async (question) => {
    const typed = await readLine(streams, question, true)
    return typed === undefined ? undefined : secret(typed)
  },
  confirm: async (question) => (await readLine(streams, `${question} Type yes to go on: `, false)) === 'yes',
  readInput: async () => {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of streams.input) {
      const bytes = Buffer.from(chunk)
      size += bytes.length
      if (size > MAX_INPUT) return undefined
      chunks.push(bytes)
    }
    return secret(
      Buffer.concat(chunks)
        .toString('utf8')
        .replace(/\r?\n$/, ''),
    )
  },
})
