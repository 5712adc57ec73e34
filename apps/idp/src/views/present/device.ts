// Owns how the pages read on which a person lets a device in: typing the code, comparing and deciding, and what came of it.

import { exhaustive } from '@vouchsafe/core'
import { ownPath } from '../links.ts'
import type { Messages } from '../messages.ts'
import type { DeviceCodePage, DeviceConfirmPage, DeviceDonePage, DeviceProblemDisplay } from '../model.ts'
import { plain } from '../phrase.ts'
import { presentOffline, presentScope } from './consent.ts'
import { clientName, presentAccount, presentClient, presentForm } from './parts.ts'
import type { PresentContext, View } from './view.ts'

const sayProblem = (problem: DeviceProblemDisplay, m: Messages): string => {
  switch (problem.kind) {
    case 'throttled':
      return m.device.problem.throttled(problem.waitSeconds)
    case 'unknown':
    case 'elsewhere':
      return m.device.problem[problem.kind]
    default:
      return exhaustive(problem)
  }
}

/** The form that asks for the code. */
export const presentDeviceCode = (page: DeviceCodePage, { m }: PresentContext): View => {
  const problem = page.problem === undefined ? undefined : sayProblem(page.problem, m)
  return {
    template: 'device-code',
    title: `${problem === undefined ? '' : m.common.errorPrefix}${m.device.enterTitle}`,
    data: { problem, form: presentForm(page.form) },
  }
}

/** The question whether to let the device in, with the code to compare. */
export const presentDeviceConfirm = (page: DeviceConfirmPage, { m }: PresentContext): View => {
  const { place } = page
  const client = presentClient(
    {
      name: page.clientName,
      destination: { kind: 'web', host: '' },
      standing: 'known',
      policyUrl: page.policyUrl,
      termsUrl: page.termsUrl,
    },
    m,
  )
  return {
    template: 'device-confirm',
    title: plain(m.device.title(client.name)),
    wide: true,
    data: {
      client,
      heading: m.device.title(client.name),
      place: place.kind === 'web' ? m.device.site(place.host) : m.device.identifier(place.clientId),
      from: m.device.from(page.network),
      userCode: page.userCode,
      account: presentAccount(page.account, m),
      scopes: [...page.scopes.map((scope) => presentScope(scope, m)), ...(page.offline ? [presentOffline(m)] : [])],
      form: presentForm(page.form),
    },
  }
}

/** What came of it. */
export const presentDeviceDone = (page: DeviceDonePage, { m }: PresentContext): View => {
  const name = clientName(page.clientName, m)
  const heading = page.allowed ? m.device.allowedTitle : m.device.deniedTitle
  return {
    template: 'device-done',
    title: heading,
    data: {
      heading,
      lead: page.allowed ? m.device.allowed(name) : m.device.denied(name),
      homeUrl: ownPath(page.homeUrl),
    },
  }
}
