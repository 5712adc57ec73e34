// Owns a way through every page of a running identity provider, in an order in which each can be reached. Asserts nothing of a page.

import type { Page } from 'playwright-core'
import { heading, press, type RunningRelyingParty, signIn, type World } from './world.ts'

/** A page, and how to come to it from the one before. */
export interface Stop {
  readonly name: string
  readonly go: (page: Page) => Promise<void>
}

/** Settings under which the tour meets every page. */
export const TOUR_SETTINGS = { LOGIN_FREE_ATTEMPTS: '3', LOGIN_BASE_DELAY: '10m' } as const

const signInStops = (rp: RunningRelyingParty): readonly Stop[] => [
  {
    name: 'sign-in',
    go: async (page) => {
      await page.goto(`${rp.origin}/login`)
      await heading(page, 'Sign in')
    },
  },
  {
    name: 'sign-in-wrong',
    go: async (page) => {
      await signIn(page, 'alice', 'not the password')
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'sign-in-throttled',
    go: async (page) => {
      for (let tries = 0; tries < 6; tries++) await signIn(page, 'mallory', 'not the password')
      await page.getByText('Too many attempts').waitFor()
    },
  },
  {
    name: 'consent',
    go: async (page) => {
      await page.goto(`${rp.origin}/login?prompt=consent`)
      await signIn(page, 'alice')
      await heading(page, /^Share your account/)
    },
  },
  {
    name: 'sign-in-again',
    go: async (page) => {
      await page.goto(`${rp.origin}/login?prompt=login`)
      await heading(page, /^Sign in/)
    },
  },
  {
    name: 'select-account',
    go: async (page) => {
      await page.goto(`${rp.origin}/login?prompt=select_account`)
      await page.getByRole('button', { name: 'Use another account' }).click()
      await signIn(page, 'bob')
      await page.goto(`${rp.origin}/login?prompt=select_account`)
      await heading(page, 'Choose an account')
    },
  },
]

const errorStops = (world: World, rp: RunningRelyingParty): readonly Stop[] => {
  const see = (name: string, path: string): Stop => ({
    name: `error-${name}`,
    go: async (page) => {
      await page.goto(`${world.origin}${path}`)
      await page.getByText('Who can fix it').waitFor()
    },
  })
  const request = `client_id=${rp.clientId}&response_type=code&scope=openid`
  return [
    see('unknown-client', '/authorize?client_id=nobody&response_type=code&redirect_uri=https://app.example/'),
    see('redirect-uri', `/authorize?${request}&redirect_uri=https://elsewhere.example/`),
    see('logout-uri', `/end_session?client_id=${rp.clientId}&post_logout_redirect_uri=https://elsewhere.example/`),
    see('not-found', '/nothing'),
    see('unknown-interaction', `/interaction/${'A'.repeat(22)}`),
    see('set-up-link', `/set-up/${'A'.repeat(43)}`),
    {
      name: 'error-form',
      go: async (page) => {
        await page.goto(`${world.origin}/sign-out`)
        await page.evaluate(`document.querySelector('input[name=csrf]').value = ''`)
        await press(page, 'Sign out')
        await heading(page, 'The form could not be accepted')
      },
    },
    {
      name: 'error-finished',
      go: async (page) => {
        await page.goto(`${rp.origin}/login?prompt=consent`)
        const address = page.url()
        await press(page, 'Deny')
        await page.goto(address)
        await heading(page, 'This sign-in is already finished')
      },
    },
  ]
}

const ownStops = (world: World, rp: RunningRelyingParty): readonly Stop[] => [
  {
    name: 'sign-out-asked',
    go: async (page) => {
      await page.goto(`${world.origin}/end_session?client_id=${rp.clientId}&logout_hint=bob`)
      await heading(page, 'Sign out?')
    },
  },
  {
    name: 'signed-out-others',
    go: async (page) => {
      await press(page, 'Sign out')
      await page.getByText('Other accounts stay signed in').waitFor()
    },
  },
  { name: 'home', go: async (page) => void (await page.goto(`${world.origin}/`)) },
  { name: 'sign-out', go: async (page) => void (await page.goto(`${world.origin}/sign-out`)) },
  {
    name: 'signed-out',
    go: async (page) => {
      await press(page, 'Sign out')
      await heading(page, 'You are signed out')
    },
  },
  { name: 'home-signed-out', go: async (page) => void (await page.goto(`${world.origin}/`)) },
  { name: 'own-sign-in', go: async (page) => void (await page.goto(`${world.origin}/sign-in`)) },
]

/** Every page but the set-up of the first administrator, which is reached once in the life of a server. Needs alice and bob. */
export const tour = (world: World, rp: RunningRelyingParty): readonly Stop[] => [
  ...signInStops(rp),
  ...errorStops(world, rp),
  ...ownStops(world, rp),
]

/** The set-up, by the link that the server printed at its start. */
export const setUpTour = (link: string): readonly Stop[] => [
  { name: 'set-up', go: async (page) => void (await page.goto(link)) },
  {
    name: 'set-up-problems',
    go: async (page) => {
      await page.getByLabel('Username').fill('root')
      await page.getByLabel('Your name').fill('Ruth Root')
      await page.getByLabel('Email').fill('ruth@example.org')
      await page.getByLabel('Password', { exact: true }).fill('short')
      await page.getByLabel('Password, once more').fill('short')
      await press(page, 'Create administrator')
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'done',
    go: async (page) => {
      await page.getByLabel('Password', { exact: true }).fill('four unrelated words make one')
      await page.getByLabel('Password, once more').fill('four unrelated words make one')
      await press(page, 'Create administrator')
      await heading(page, 'Your administrator account is ready')
    },
  },
]
