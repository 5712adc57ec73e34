// Owns which passwords are refused because everybody tries them first. Never sends one anywhere: the list is here.

// Bases that guessing begins with, of eight characters or more once digits at their ends are taken off or counted in.
const COMMON: ReadonlySet<string> = new Set([
  'password',
  'passwort',
  'passw0rd',
  'p@ssword',
  'p@ssw0rd',
  'letmein',
  'letmeinnow',
  'welcome',
  'welcomehome',
  'iloveyou',
  'sunshine',
  'princess',
  'football',
  'baseball',
  'basketball',
  'superman',
  'starwars',
  'pokemon',
  'trustnoone',
  'whatever',
  'computer',
  'internet',
  'michelle',
  'jennifer',
  'qwertyui',
  'qwerty',
  'qwertz',
  'qwertyuiop',
  'qwertzuiop',
  'asdfghjk',
  'asdfghjkl',
  'zxcvbnm',
  'qazwsxedc',
  'qazwsx',
  'changeme',
  'changeit',
  'secret',
  'default',
  'administrator',
  'admin',
  'root',
  'toor',
  'test',
  'testtest',
  'guest',
  'master',
  'dragon',
  'monkey',
  'shadow',
  'login',
  'hello',
  'hellohello',
  'abcdefgh',
  'abcabcabc',
  'vouchsafe',
  'correcthorsebatterystaple',
])

const isRun = (letters: readonly string[]): boolean => {
  const steps = letters
    .slice(1)
    .map((letter, index) => (letter.codePointAt(0) ?? 0) - (letters[index]?.codePointAt(0) ?? 0))
  const [step] = steps
  // `00000000`, `12345678`, `hgfedcba`; `1234567890` turns at its end.
  return step !== undefined && Math.abs(step) <= 1 && steps.slice(0, -1).every((other) => other === step)
}

const isRepetition = (text: string): boolean => {
  for (let length = 1; length <= 4; length++) {
    if (
      text.length >= 2 * length &&
      text ===
        text
          .slice(0, length)
          .repeat(Math.ceil(text.length / length))
          .slice(0, text.length)
    ) {
      return true
    }
  }
  return false
}

/** Whether a password is one of those that are tried first, or is made of nothing but what is known about its owner (his name, his address). */
export const isTrivialPassword = (password: string, about: readonly string[]): boolean => {
  const plain = password.toLowerCase()
  if (isRun([...plain]) || isRepetition(plain)) return true
  const base = plain.replace(/^[\d\W_]{1,4}/, '').replace(/[\d\W_]{1,6}$/, '')
  if (COMMON.has(plain) || COMMON.has(base)) return true
  const known = about.map((word) => word.toLowerCase()).filter((word) => word.length >= 4)
  return known.some((word) => plain === word || base === word)
}
