// Owns comparison that tells nothing by its duration. Never decides what is compared.

/** Compares two texts in time that depends on their lengths alone; used on digests, whose length is public. */
export const equalInConstantTime = (left: string, right: string): boolean => {
  if (left.length !== right.length) return false
  let difference = 0
  for (let i = 0; i < left.length; i++) difference |= left.charCodeAt(i) ^ right.charCodeAt(i)
  return difference === 0
}
