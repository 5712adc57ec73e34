// Owns which addresses count as one source of attempts. Never trusts a header: the door decided the address.

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*(?:%.+)?$/i

const groupsOf = (part: string): readonly string[] => (part === '' ? [] : part.split(':'))

/** The first four groups of an IPv6 address: the network that one subscriber is given whole (RFC 6177 §2). */
const ipv6Network = (address: string): string => {
  const [plain = ''] = address.toLowerCase().split('%')
  const [head = '', tail] = plain.split('::')
  const [left, right] = [groupsOf(head), tail === undefined ? [] : groupsOf(tail)]
  // A dotted end stands for two groups.
  const length = left.length + right.length + (plain.includes('.') ? 1 : 0)
  const gap = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - length) }, () => '0')
  const groups = [...left, ...gap, ...right].slice(0, 4)
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`
}

/**
 * The network that attempts from an address are counted under: an IPv4 address itself, the /64 of an IPv6 address (a single one costs an
 * attacker nothing), an IPv4 address inside IPv6 as what it is. What is no address counts as one source.
 */
export const networkOf = (address: string): string => {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)
  const plain = mapped?.[1] ?? address
  if (IPV4.test(plain)) return plain
  return IPV6.test(plain) ? ipv6Network(plain) : 'unknown'
}
