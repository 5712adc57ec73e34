// Owns the reading of the store contract's own TypeScript: which methods it has, how each can end, which need a race. Never runs a store.

import ts from 'typescript'

/** What the contract's text demands. */
export interface ContractDemands {
  /** `store.method:arm` for every way that a method can end. */
  readonly arms: ReadonlySet<string>
  /** `store.method` for every transition that can end in several ways, and for every one whose comment speaks of a race. */
  readonly races: ReadonlySet<string>
}

const armsOfType = (type: ts.Type, at: ts.Node, checker: ts.TypeChecker): readonly string[] => {
  if (type.isUnion()) return type.types.flatMap((part) => armsOfType(part, at, checker))
  if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return ['nothing']
  if (type.isStringLiteral()) return [type.value]
  if (type.flags & ts.TypeFlags.BooleanLiteral) return [checker.typeToString(type)]
  const outcome = type.getProperty('outcome')
  return outcome === undefined ? ['value'] : armsOfType(checker.getTypeOfSymbolAtLocation(outcome, at), at, checker)
}

const READS = new Set(['nothing', 'value', 'true', 'false'])

const programOf = (file: string, text: string | undefined): ts.Program => {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    types: [],
  }
  const host = ts.createCompilerHost(options)
  const readFile = host.readFile.bind(host)
  const getSourceFile = host.getSourceFile.bind(host)
  host.readFile = (name) => (name === file && text !== undefined ? text : readFile(name))
  host.getSourceFile = (name, version) =>
    name === file && text !== undefined ? ts.createSourceFile(name, text, version, true) : getSourceFile(name, version)
  return ts.createProgram([file], options, host)
}

/** Reads the demands out of `stores.ts`; `text` stands in for what the file holds. Fails where the contract itself does not compile. */
export const demandsOf = (file: string, text?: string): ContractDemands => {
  const program = programOf(file, text)
  const source = program.getSourceFile(file)
  if (source === undefined) throw new Error(`no contract at ${file}`)
  const faults = program
    .getSemanticDiagnostics(source)
    .map((one) => ts.flattenDiagnosticMessageText(one.messageText, ' '))
  if (faults.length > 0) throw new Error(`the contract does not compile: ${faults.join('; ')}`)
  const checker = program.getTypeChecker()
  const all = source.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === 'Stores')
  if (all === undefined) throw new Error('the contract has no interface Stores')
  const arms = new Set<string>()
  const races = new Set<string>()
  for (const store of checker.getTypeAtLocation(all).getProperties()) {
    for (const method of checker.getTypeOfSymbolAtLocation(store, all).getProperties()) {
      const name = `${store.name}.${method.name}`
      const [signature] = checker.getTypeOfSymbolAtLocation(method, all).getCallSignatures()
      const answer = signature && checker.getAwaitedType(signature.getReturnType())
      if (answer === undefined) throw new Error(`${name} is no method that answers`)
      const endings = armsOfType(answer, all, checker)
      for (const arm of endings) arms.add(`${name}:${arm}`)
      const words = endings.filter((arm) => !READS.has(arm))
      const comment = ts.displayPartsToString(method.getDocumentationComment(checker))
      if (words.length > 1 || comment.includes('Race:')) races.add(name)
    }
  }
  return { arms, races }
}
