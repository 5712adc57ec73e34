// Owns the composition: configuration, ports and stores in, a table of endpoints out. Never holds a rule of the protocol.

import type { Result } from './base/index.ts'
import type { Answer, Context } from './context/index.ts'
import { authorizeEndpoint } from './endpoints/authorize/endpoint.ts'
import { interactionEndpoints } from './endpoints/authorize/interactions.ts'
import { type Addressee, openToAll, openToClient, preflight } from './endpoints/cross-origin.ts'
import { discoveryEndpoint } from './endpoints/discovery/endpoint.ts'
import { END_SESSION_PATH, endSessionEndpoint } from './endpoints/end-session/endpoint.ts'
import { introspectionEndpoint } from './endpoints/introspect/endpoint.ts'
import { jwksEndpoint } from './endpoints/jwks/endpoint.ts'
import { pushEndpoint } from './endpoints/par/endpoint.ts'
import { registrationEndpoint } from './endpoints/registration/endpoint.ts'
import { revocationEndpoint } from './endpoints/revoke/endpoint.ts'
import { tokenEndpoint } from './endpoints/token/endpoint.ts'
import { userinfoEndpoint } from './endpoints/userinfo/endpoint.ts'
import { grantTypesOf, type ProviderConfig } from './provider-config.ts'
import { withDeliveries } from './provider-deliveries.ts'
import { deviceRoute, devicesOf } from './provider-devices.ts'
import { faultOf, type Report, reportTo } from './provider-faults.ts'
import { registrationRules } from './provider-registration.ts'
import { sessionsOf } from './provider-sessions.ts'
import type { Interactions, Provider, Route } from './provider-types.ts'
import { jsonReply, type Reply, type WireRequest } from './wire/index.ts'

type Respond = (request: WireRequest) => Promise<Answer<Reply>>

interface ServedRoute extends Route {
  readonly respond: Respond
  /** Who of other origins may read its answers. */
  readonly open: 'all' | 'clients' | 'none'
}

/** Lets the client's own origins read what an endpoint answers. */
const readableByClients =
  (context: Context, respond: (request: WireRequest) => Promise<Answer<Reply> & Addressee>): Respond =>
  async (request) => {
    const answer = await respond(request)
    return { reply: await openToClient(context, request, answer), events: answer.events }
  }

const requestObjectsOf = ({ features, ports }: Context): 'none' | 'byValue' | 'byReference' => {
  if (!features.requestObjects) return 'none'
  return ports.fetcher === undefined ? 'byValue' : 'byReference'
}

const routesOf = (context: Context, config: ProviderConfig): readonly ServedRoute[] => {
  const { pathname } = new URL(config.issuer)
  const base = pathname === '/' ? '' : pathname
  const endpoint = (name: string): string => `${config.issuer}/${name}`
  const grantTypes = grantTypesOf(config)
  const { par, device, revocation, introspection } = context.features
  const authorize = authorizeEndpoint(context)
  const push = pushEndpoint(context)
  const revoke = revocationEndpoint(context)
  const introspect = introspectionEndpoint(context)
  const token = tokenEndpoint(context, grantTypes)
  const userinfo = userinfoEndpoint(context)
  const discovery = discoveryEndpoint(context, {
    issuer: config.issuer,
    endpoints: {
      authorization: endpoint('authorize'),
      token: endpoint('token'),
      userinfo: endpoint('userinfo'),
      jwks: endpoint('jwks'),
      pushedAuthorizationRequest: par === 'off' ? undefined : endpoint('par'),
      revocation: revocation ? endpoint('revoke') : undefined,
      introspection: introspection ? endpoint('introspect') : undefined,
      registration: config.registration === undefined ? undefined : endpoint('register'),
      deviceAuthorization: device === undefined ? undefined : endpoint('device_authorization'),
    },
    requirePushedRequests: par === 'required',
    logout: {
      endSession: context.features.endSession ? `${config.issuer}${END_SESSION_PATH}` : undefined,
      backchannel: context.features.backchannelLogout,
    },
    requestObjects: requestObjectsOf(context),
    signedResponses: context.features.jarm,
    grantTypes: grantTypes.map((grantType) => grantType.grantType),
    acrValues: context.acrValues,
    uiLocales: config.uiLocales ?? [],
    dpop: context.features.dpop,
    mtls: context.features.mtls,
  })
  const jwks = jwksEndpoint(context)
  const registration = registrationRules(config, {
    endpoint: endpoint('register'),
    grantTypes: grantTypes.map(({ grantType }) => grantType),
  })
  const documents: readonly (readonly [string, string])[] = [
    ['discovery', `${base}/.well-known/openid-configuration`],
    ['metadata', `/.well-known/oauth-authorization-server${base}`],
    // The other form of each, for clients that insert where others append (RFC 8414 §5).
    ...(base === ''
      ? []
      : ([
          ['discoveryInserted', `/.well-known/openid-configuration${base}`],
          ['metadataAppended', `${base}/.well-known/oauth-authorization-server`],
        ] as const)),
  ]
  const readable = (name: string, path: string, respond: Respond): ServedRoute => ({
    name,
    path,
    methods: ['GET'],
    access: 'anyone',
    crossOrigin: true,
    open: 'all',
    respond: async (request) => {
      const { reply, events } = await respond(request)
      return { reply: openToAll(reply), events }
    },
  })
  const endSession: readonly ServedRoute[] = context.features.endSession
    ? [
        {
          name: 'endSession',
          path: `${base}${END_SESSION_PATH}`,
          methods: ['GET', 'POST'],
          access: 'browser',
          crossOrigin: false,
          open: 'none',
          respond: endSessionEndpoint(context),
        },
      ]
    : []
  return [
    ...endSession,
    {
      name: 'authorize',
      path: `${base}/authorize`,
      methods: ['GET', 'POST'],
      access: 'browser',
      crossOrigin: false,
      open: 'none',
      respond: authorize,
    },
    {
      name: 'token',
      path: `${base}/token`,
      methods: ['POST'],
      access: 'client',
      crossOrigin: true,
      open: 'clients',
      respond: readableByClients(context, token),
    },
    ...(par === 'off'
      ? []
      : [
          {
            name: 'par',
            path: `${base}/par`,
            methods: ['POST'],
            access: 'client',
            crossOrigin: true,
            open: 'clients',
            respond: readableByClients(context, push),
          } satisfies ServedRoute,
        ]),
    ...(revocation
      ? [
          {
            name: 'revoke',
            path: `${base}/revoke`,
            methods: ['POST'],
            access: 'client',
            crossOrigin: true,
            open: 'clients',
            respond: readableByClients(context, revoke),
          } satisfies ServedRoute,
        ]
      : []),
    ...(introspection
      ? [
          {
            name: 'introspect',
            path: `${base}/introspect`,
            methods: ['POST'],
            access: 'client',
            crossOrigin: false,
            open: 'none',
            respond: introspect,
          } satisfies ServedRoute,
        ]
      : []),
    ...(device === undefined ? [] : [deviceRoute(context, base, device.verificationUri)]),
    {
      name: 'userinfo',
      path: `${base}/userinfo`,
      methods: ['GET', 'POST'],
      access: 'bearer',
      crossOrigin: true,
      open: 'clients',
      respond: readableByClients(context, userinfo),
    },
    ...(registration === undefined
      ? []
      : [
          {
            name: 'registration',
            path: `${base}/register`,
            methods: ['POST', 'GET', 'PUT', 'DELETE'],
            access: 'bearer',
            crossOrigin: true,
            open: 'clients',
            respond: readableByClients(context, registrationEndpoint(context, registration)),
          } as const,
        ]),
    readable('jwks', `${base}/jwks`, jwks),
    ...documents.map(([name, path]) => readable(name, path, discovery)),
  ]
}

const interactionsOf = (context: Context, report: Report): Interactions => {
  const endpoints = interactionEndpoints(context)
  const guarded = async (run: () => Promise<Answer<Reply>>): Promise<Reply> => {
    try {
      const { reply, events } = await run()
      report(events)
      return reply
    } catch (error) {
      const fault = faultOf(context, error, { route: 'interaction', page: true })
      report(fault.events, error)
      return fault.reply
    }
  }
  return {
    resume: (request, id) => guarded(() => endpoints.resume(request, id)),
    check: async (request, submission) => {
      const checked: {
        current: Result<never, Reply> | Awaited<ReturnType<typeof endpoints.check>>['reply'] | undefined
      } = {
        current: undefined,
      }
      const reply = await guarded(async () => {
        const answer = await endpoints.check(request, submission)
        checked.current = answer.reply
        return { reply: { kind: 'empty', status: 204, headers: new Map() }, events: answer.events }
      })
      return checked.current ?? { ok: false, error: reply }
    },
    authenticated: (request, facts) => guarded(() => endpoints.authenticated(request, facts)),
    accountSelected: (request, choice) => guarded(() => endpoints.accountSelected(request, choice)),
    consented: (request, submission) => guarded(() => endpoints.consented(request, submission)),
    denied: (request, submission) => guarded(() => endpoints.denied(request, submission)),
  }
}

/** Composes a provider. Throws a `ConfigurationError` for what cannot be worked with. */
export const createProvider = (config: ProviderConfig): Provider => {
  const report = reportTo(config)
  const { context, deliver } = withDeliveries(config, report)
  const routes = routesOf(context, config)
  const byPath = new Map(routes.map((route) => [route.path, route]))
  const respond = async (request: WireRequest): Promise<Reply | undefined> => {
    const path = request.path.length > 1 && request.path.endsWith('/') ? request.path.slice(0, -1) : request.path
    const route = byPath.get(path)
    if (route === undefined) return undefined
    try {
      if (request.method === 'OPTIONS' && route.open !== 'none') {
        return await preflight(context, request, { methods: route.methods, open: route.open })
      }
      if (!route.methods.includes(request.method) && route.access !== 'browser') {
        const headers = new Map([['Allow', [...route.methods, 'OPTIONS'].join(', ')]])
        return jsonReply(
          405,
          { error: 'invalid_request', error_description: 'this method is not allowed here' },
          headers,
        )
      }
      const { reply, events } = await route.respond(request)
      report(events)
      return reply
    } catch (error) {
      const fault = faultOf(context, error, { route: route.name, page: route.access === 'browser' })
      report(fault.events, error)
      return fault.reply
    }
  }
  return {
    issuer: config.issuer,
    routes: routes.map(({ respond: _, open: __, ...route }) => route),
    respond,
    interactions: interactionsOf(context, report),
    sessions: sessionsOf(context),
    devices: context.features.device === undefined ? undefined : devicesOf(context, report),
    deliverLogouts: deliver,
    now: () => context.ports.clock.now(),
  }
}
