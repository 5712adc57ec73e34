// Owns the pages on which a person lets a device in (RFC 8628 §3.3): code, sign-in, question, end. A GET shows what a code stands for and
// never lets anything in.

import { type DeviceProblem, type DevicePrompt, type Devices, OFFLINE_ACCESS, sessionId } from '@vouchsafe/core'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { DeviceConfirmPage, DeviceProblemDisplay, SignInProblem } from '../views/render.ts'
import { onGet, onPost, type Posted, type Shown, type Visit } from './own-visit.ts'
import { scopesOf } from './present.ts'
import { passwordFacts, type Surroundings } from './surroundings.ts'

const problemOf = (problem: DeviceProblem, now: number): DeviceProblemDisplay =>
  problem.reason === 'throttled'
    ? { kind: 'throttled', waitSeconds: Math.max(1, problem.until - now) }
    : { kind: problem.reason }

const askForCode = async (visit: Visit, problem?: DeviceProblemDisplay): Promise<FastifyReply> => {
  const { target, cookies } = await visit.form('device', '/device')
  const status =
    problem === undefined ? 200 : problem.kind === 'throttled' ? 429 : problem.kind === 'elsewhere' ? 403 : 422
  if (problem?.kind === 'throttled') visit.to.header('Retry-After', String(problem.waitSeconds))
  return visit.send({ kind: 'deviceCode', problem, form: target }, { status, cookies: cookies ?? [] })
}

const askToSignIn = async (
  visit: Visit,
  userCode: string,
  attempt?: { readonly username: string; readonly problem: SignInProblem },
  status = 200,
): Promise<FastifyReply> => {
  const { target, cookies } = await visit.form('device-sign-in', '/device/sign-in')
  const form = { ...target, fields: [{ name: 'user_code', value: userCode }] }
  const page = { kind: 'signIn', username: attempt?.username ?? '', problem: attempt?.problem, form } as const
  return visit.send(page, { status, cookies: cookies ?? [] })
}

const placeOf = ({ clientUri, clientId }: DevicePrompt): DeviceConfirmPage['place'] =>
  clientUri !== undefined && URL.canParse(clientUri)
    ? { kind: 'web', host: new URL(clientUri).host }
    : { kind: 'identifier', clientId }

const confirm = async (around: Surroundings, visit: Visit, prompt: DevicePrompt): Promise<FastifyReply> => {
  const account = await around.people.displayOf(prompt.account.subject)
  const fields = [
    { name: 'user_code', value: prompt.userCode },
    { name: 'account', value: prompt.account.sid },
    { name: 'client_name', value: prompt.clientName },
  ]
  return visit.send({
    kind: 'deviceConfirm',
    clientName: prompt.clientName,
    place: placeOf(prompt),
    policyUrl: prompt.policyUri,
    termsUrl: prompt.tosUri,
    userCode: prompt.userCode,
    network: prompt.network,
    account: account ?? { displayName: '', username: '' },
    scopes: scopesOf(
      { ...prompt, scopes: prompt.scopes.filter(({ name }) => name !== OFFLINE_ACCESS) },
      prompt.account.subject,
    ),
    offline: prompt.scopes.some(({ name }) => name === OFFLINE_ACCESS),
    form: { action: `${around.basePath}/device/answer`, csrf: prompt.csrf, fields },
  })
}

const open = async (around: Surroundings, devices: Devices, visit: Visit, typed: string): Promise<FastifyReply> => {
  const opened = await devices.open(visit.wire, typed)
  switch (opened.kind) {
    case 'problem':
      return askForCode(visit, problemOf(opened.problem, around.provider.now()))
    case 'signIn':
      return askToSignIn(visit, opened.userCode)
    case 'confirm':
      return confirm(around, visit, opened.prompt)
  }
}

const signIn =
  (around: Surroundings): Posted =>
  async (visit, form) => {
    const [username, userCode] = [form.text('username'), form.text('user_code')]
    const again = (problem: SignInProblem, status: number): Promise<FastifyReply> =>
      askToSignIn(visit, userCode, { username, problem }, status)
    const attempt = { username, password: form.secret('password'), network: visit.wire.remoteAddress }
    const verified = await around.verifyPassword(attempt)
    switch (verified.outcome) {
      case 'verified': {
        const started = await around.provider.sessions.start(visit.wire, passwordFacts(verified.subject))
        if (!started.ok) return again({ kind: 'invalidCredentials' }, 401)
        return visit.redirect(`/device?user_code=${encodeURIComponent(userCode)}`, started.value)
      }
      case 'refused':
        return again({ kind: 'invalidCredentials' }, 401)
      case 'throttled': {
        const waitSeconds = Math.max(1, verified.until - around.provider.now())
        visit.to.header('Retry-After', String(waitSeconds))
        return again({ kind: 'throttled', waitSeconds }, 429)
      }
      case 'busy':
        visit.to.header('Retry-After', '5')
        return again({ kind: 'busy' }, 503)
    }
  }

/** The form's token is the core's: it is bound to the device that the page showed. */
const answer =
  (around: Surroundings, devices: Devices): Posted =>
  async (visit, form) => {
    const action = form.text('action')
    if (action !== 'allow' && action !== 'deny') return visit.refuse('formRefused', 403)
    const settled = await devices.settle(visit.wire, {
      userCode: form.text('user_code'),
      csrf: form.text('csrf'),
      sid: sessionId(form.text('account')),
      answer: action,
    })
    const clientName = form.text('client_name')
    const homeUrl = `${around.basePath}/`
    switch (settled) {
      case 'allowed':
        return visit.send({ kind: 'deviceDone', allowed: true, clientName, homeUrl })
      case 'denied':
        return visit.send({ kind: 'deviceDone', allowed: false, clientName, homeUrl })
      case 'forged':
        return visit.refuse('formRefused', 403)
      case 'unknown':
      case 'elsewhere':
        return askForCode(visit, { kind: settled })
    }
  }

const show =
  (around: Surroundings, devices: Devices): Shown =>
  async (visit) => {
    const typed = new URLSearchParams(visit.wire.query).get('user_code') ?? ''
    return typed === '' ? askForCode(visit) : open(around, devices, visit, typed)
  }

/** Adds the routes, where the provider lets devices in. */
export const addDeviceRoutes = (app: FastifyInstance, around: Surroundings): void => {
  const { devices } = around.provider
  if (devices === undefined) return
  const path = (name: string): string => `${around.basePath}${name}`
  const ownForm = { config: { access: 'ownForm' } } as const
  app.get(path('/device'), { config: { access: 'thisBrowser' } }, onGet(app, around, show(around, devices)))
  app.post(
    path('/device'),
    ownForm,
    onPost(app, around, 'device', (visit, form) => open(around, devices, visit, form.text('user_code'))),
  )
  app.post(path('/device/sign-in'), ownForm, onPost(app, around, 'device-sign-in', signIn(around)))
  app.post(path('/device/answer'), ownForm, onPost(app, around, undefined, answer(around, devices)))
}
