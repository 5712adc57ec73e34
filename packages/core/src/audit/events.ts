// Owns the closed catalogue of audit events: names and typed fields. Never stores or sends one, and no field holds a credential.

import type { ClientId, Digest, GrantHandle, Instant, SessionId, Subject } from '../base/index.ts'
import type { AuditEntry } from '../store/index.ts'

/** Fields of every audit event by its name. */
export interface AuditFields {
  /** An authorization request was refused; `reference` is what the person was shown, if a page was. */
  readonly 'authorization.refused': {
    readonly clientId?: string
    readonly subject?: Subject
    readonly reason: string
    readonly error?: string
    readonly reference?: string
    readonly network: string
  }
  readonly 'authorization_code.issued': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly sid: SessionId
    readonly grant: GrantHandle
    readonly scope: string
    readonly silent: boolean
    readonly network: string
  }
  readonly 'authorization_code.redeemed': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly scope: string
    readonly network: string
  }
  /** A code was presented again: its grant is revoked. */
  readonly 'authorization_code.replayed': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly network: string
  }
  readonly 'refresh_token.rotated': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly scope: string
    readonly network: string
  }
  /** The token before the current one came within its window: a second tab, a lost answer, or somebody who shadows each refresh. */
  readonly 'refresh_token.retried': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly scope: string
    readonly network: string
  }
  /** A refresh token came whose successor had been used: its grant is revoked. */
  readonly 'refresh_token.replayed': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly network: string
  }
  /** A device asks to be let in. */
  readonly 'device.opened': { readonly clientId: ClientId; readonly scope: string; readonly network: string }
  /** A person let a device in (`grant`), or refused to. */
  readonly 'device.settled': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant?: GrantHandle
    readonly scope: string
    readonly network: string
  }
  /** Wrong user codes: too many from one network or one browser. */
  readonly 'device.guessed': { readonly network: string }
  readonly 'device_code.redeemed': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly scope: string
    readonly network: string
  }
  /** A device code was presented again: its grant is revoked. */
  readonly 'device_code.replayed': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly network: string
  }
  /** A client was given a token in its own name. */
  readonly 'client_token.issued': {
    readonly clientId: ClientId
    readonly scope: string
    readonly format: 'opaque' | 'jwt'
    readonly network: string
  }
  /** A client got a token for one that it had received: `parent` and `child` are digests, as their stores know the two (RFC 8693 §5). */
  readonly 'token.exchanged': {
    readonly clientId: ClientId
    /** The client that held the parent. */
    readonly from: ClientId
    readonly subject: Subject
    readonly grant: GrantHandle
    readonly parent: Digest
    readonly child: Digest
    readonly actors: readonly ClientId[]
    readonly scope: string
    readonly audience: readonly string[]
    readonly network: string
  }
  readonly 'token.revoked': {
    readonly clientId: ClientId
    readonly grant: GrantHandle
    readonly kind: 'access_token' | 'refresh_token'
    readonly network: string
  }
  /** A client asked what a token is worth. */
  readonly 'token.introspected': { readonly clientId: ClientId; readonly active: boolean; readonly network: string }
  readonly 'consent.recorded': { readonly clientId: ClientId; readonly subject: Subject; readonly scope: string }
  readonly 'consent.denied': { readonly clientId: ClientId; readonly subject?: Subject; readonly network: string }
  readonly 'consent.withdrawn': { readonly clientId: ClientId; readonly subject: Subject }
  readonly 'session.started': {
    readonly subject: Subject
    readonly sid: SessionId
    readonly amr: readonly string[]
    readonly network: string
  }
  /** A request to sign out was refused; `reference` is what the person was shown. */
  readonly 'logout.refused': { readonly reason: string; readonly reference: string; readonly network: string }
  /** A client was told that a session ended (OIDC Back-Channel Logout §2.5). */
  readonly 'logout_token.delivered': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly sid: SessionId
    readonly attempts: number
  }
  /** A client could not be told, and is not tried any more. */
  readonly 'logout_token.given_up': {
    readonly clientId: ClientId
    readonly subject: Subject
    readonly sid: SessionId
    readonly attempts: number
    readonly reason: string
  }
  readonly 'session.ended': { readonly subject?: Subject; readonly sid?: SessionId; readonly reason: string }
  readonly 'token.refused': {
    readonly clientId?: string
    readonly grantType?: string
    readonly reason: string
    readonly error: string
    readonly network: string
  }
  readonly 'client_authentication.failed': {
    readonly clientId?: string
    readonly method?: string
    readonly reason: string
    readonly network: string
  }
  readonly 'userinfo.served': { readonly clientId: ClientId; readonly subject: Subject }
  readonly 'userinfo.refused': { readonly reason: string; readonly network: string }
  readonly 'sign_in.failed': { readonly reason: string; readonly network: string }
  readonly 'client.created': { readonly clientId: ClientId; readonly actor: string }
  readonly 'client.updated': {
    readonly clientId: ClientId
    readonly actor: string
    readonly changed: readonly string[]
    readonly network?: string
  }
  readonly 'client.deleted': { readonly clientId: ClientId; readonly actor: string; readonly network?: string }
  /** A client registered itself; `token` names the initial access token that it had. */
  readonly 'client.registered': { readonly clientId: ClientId; readonly token?: string; readonly network: string }
  /** A client that registered itself read its registration (RFC 7592 §2.1). */
  readonly 'client.registration_read': { readonly clientId: ClientId; readonly network: string }
  readonly 'registration.refused': {
    readonly clientId?: string
    readonly reason: string
    readonly field?: string
    readonly network: string
  }
  readonly 'registration_token.created': { readonly id: string; readonly uses: number; readonly actor: string }
  readonly 'registration_token.revoked': { readonly id: string; readonly actor: string }
  readonly 'subject.created': { readonly subject: Subject; readonly actor: string }
  readonly 'subject.changed': { readonly subject: Subject; readonly status: string; readonly actor: string }
  readonly 'subject.password_changed': { readonly subject: Subject; readonly actor: string }
  readonly 'grant.revoked': { readonly grant: GrantHandle; readonly reason: string; readonly actor: string }
  readonly 'keys.rotated': { readonly alg: string; readonly active: string; readonly actor: string }
  /** Something that should not happen did; `reference` is on the page or in the answer. */
  readonly 'server.fault': { readonly route: string; readonly reference: string; readonly kind: string }
}

/** Names of audit events. */
export type AuditName = keyof AuditFields

/** Makes an entry of the catalogue, leaving out fields that are undefined. */
export const auditEntry = <N extends AuditName>(name: N, at: Instant, fields: AuditFields[N]): AuditEntry => ({
  name,
  at,
  fields: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
})
