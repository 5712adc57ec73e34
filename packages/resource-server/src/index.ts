// The public door: guard an API by access tokens of one issuer. Plain data in and out, web-standard APIs alone: Node, Bun, Deno, Workers.

export {
  type DpopConfig,
  type IntrospectedTokens,
  type IntrospectionCredentials,
  type JwtTokens,
  type ResourceDescription,
  type ResourceServerConfig,
  ResourceServerConfigError,
  type ResourceServerProblem,
} from './config.ts'
export type { Json, JsonObject } from './json.ts'
export type { Algorithm } from './jwk.ts'
export type { ResourceMetadata } from './metadata.ts'
export type { FetchedResponse, FetchInit, FetchLike } from './outbound.ts'
export type {
  BindingReason,
  MalformedReason,
  ProofReason,
  Rejection,
  TokenReason,
  UnavailableReason,
} from './rejection.ts'
export { createMemoryReplayStore, type ReplayStore } from './replay.ts'
export { type ApiRequest, fromNodeRequest, type NodeRequest, type RequestHeaders } from './request.ts'
export type { Requirement } from './requirement.ts'
export { type Authorization, type Authorized, createResourceServer, type ResourceServer } from './resource-server.ts'
export { forbid, type Refusal } from './respond.ts'
export type { Actor, Confirmation, VerifiedToken } from './token.ts'
