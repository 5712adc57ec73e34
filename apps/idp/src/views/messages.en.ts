// Owns every English word that a page shows. Never holds HTML, nor a decision about what is shown.
// Sentences with foreign names are phrases (see phrase.ts). A further language is a value of type `Messages`.

import type { ErrorProblem } from './model.ts'
import { type Phrase, phrase } from './phrase.ts'

/** The four sentences of an error page. */
export interface ErrorWords {
  readonly title: string
  readonly what: string
  readonly next: string
}

/** A label and what it means in plain words. */
export interface ScopeWords {
  readonly label: string
  readonly description: string
}

/** A length of time in words; seconds, rounded up to whole minutes from two minutes on. */
const duration = (seconds: number): string => {
  const whole = Math.max(1, Math.ceil(seconds))
  if (whole === 1) return '1 second'
  if (whole < 120) return `${whole} seconds`
  const minutes = Math.ceil(whole / 60)
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`
}

const common = {
  errorPrefix: 'Error: ',
  problemHeading: 'There is a problem',
  opensOn: 'opens on',
  unnamedClient: 'An app without a name',
  unnamedAccount: 'Account without a name',
  signedInAs: 'Signed in as',
  otherAccount: 'Use another account',
  signOut: 'Sign out',
  backTo: (client: string): Phrase => phrase`Back to ${client}`,
  toContinueTo: (client: string): Phrase => phrase`to continue to ${client}`,
  policy: 'Privacy policy',
  terms: 'Terms of service',
  clientLinks: 'About this app',
}

const client = {
  onThisDevice: 'An app on this device',
  onThisDeviceAt: (host: string): Phrase => phrase`App on this device, at ${host}`,
  onThisDeviceScheme: (scheme: string): Phrase => phrase`App on this device that opens ${scheme} links`,
  unverifiedTitle: 'Nobody has checked this app',
  unverified: (host: string): Phrase =>
    phrase`It registered itself and chose its own name. Go on only if you know it and expect to be sent to ${host}.`,
  unverifiedDevice: 'It registered itself and chose its own name. Go on only if you know it.',
  deviceTitle: 'Did you start this yourself?',
  loopback: (host: string): Phrase =>
    phrase`The answer goes to a program on this device, at ${host}. We cannot tell which program that is. Go on only if you have just started to sign in there.`,
  customScheme: (scheme: string): Phrase =>
    phrase`The answer goes to whichever app on this device opens ${scheme} links. We cannot tell which app that is. Go on only if you have just started to sign in there.`,
}

const signIn = {
  title: 'Sign in',
  titleAgain: 'Sign in again',
  username: 'Username',
  password: 'Password',
  submit: 'Sign in',
  chooseAccount: 'Choose another account',
  problem: {
    invalidCredentials: 'The username or the password is not right. Check both and try again.',
    throttled: (seconds: number): string => `Too many attempts. Wait ${duration(seconds)}, then try again.`,
    busy: 'Many people are signing in at this moment. Wait a little, then try again.',
    expiredForm: 'This form was open for too long. Please enter your details once more.',
  },
  reason: {
    appAsked: 'The app asks you to confirm that it is you.',
    tooLongAgo: 'You signed in some time ago, and the app asks for a fresh sign-in.',
    strongerNeeded: 'What you are about to do needs a stronger sign-in.',
    sessionEnded: 'Your earlier sign-in has ended.',
  },
}

const selectAccount = {
  title: 'Choose an account',
  lead: 'to continue',
}

const consent = {
  title: (name: string): Phrase => phrase`Share your account with ${name}?`,
  question: 'What will be shared',
  questionAgain: 'What is asked for now',
  earlier: 'Allowed before',
  allEarlier: 'You allowed all of this before. The app asks you to confirm it.',
  notYou: 'Not you? Use another account',
  allow: 'Allow',
  deny: 'Deny',
  sensitive: 'Sensitive',
  nothing: 'No personal details are shared.',
  offline: {
    label: 'Access while you are away',
    description: 'The app can keep using this access when you are not signed in, until you or an administrator end it.',
  },
  afterWeb: (host: string): Phrase => phrase`Either way you go back to ${host}.`,
  afterDevice: 'Either way you go back to the app.',
  showMore: (count: number): string => `Show ${count} more`,
  customScope: (scope: string): string => `Permission “${scope}”`,
}

const scopes: Readonly<Record<string, ScopeWords>> = {
  openid: { label: 'Know who you are', description: 'A fixed identifier, so that the app recognises you next time.' },
  profile: { label: 'Your profile', description: 'Your name and the other details of your profile.' },
  email: { label: 'Your email address', description: 'The address, and whether it has been confirmed.' },
  address: { label: 'Your postal address', description: 'Where you can be reached by mail.' },
  phone: { label: 'Your phone number', description: 'The number, and whether it has been confirmed.' },
  groups: {
    label: 'Your groups',
    description: 'The groups you belong to here; apps use them to decide what you may do.',
  },
  offline_access: consent.offline,
}

const claims: Readonly<Record<string, string>> = {
  sub: 'Identifier',
  name: 'Name',
  given_name: 'First name',
  family_name: 'Last name',
  middle_name: 'Middle name',
  nickname: 'Nickname',
  preferred_username: 'Username',
  profile: 'Profile page',
  picture: 'Picture',
  website: 'Website',
  email: 'Email',
  email_verified: 'Email confirmed',
  gender: 'Gender',
  birthdate: 'Date of birth',
  zoneinfo: 'Time zone',
  locale: 'Language',
  phone_number: 'Phone',
  phone_number_verified: 'Phone confirmed',
  address: 'Address',
  updated_at: 'Last changed',
  groups: 'Groups',
  roles: 'Roles',
  auth_time: 'Time of sign-in',
  acr: 'Strength of sign-in',
  amr: 'Way of signing in',
}

const values = { yes: 'Yes', no: 'No', none: 'None' }

const errorPage = {
  whoHeading: 'Who can fix it',
  nextHeading: 'What to do',
  who: {
    you: 'You can do this yourself.',
    app: 'The people who run the app.',
    operator: 'The people who run this sign-in service.',
  },
  reference: 'Reference',
  detailsHeading: 'Technical details',
  details: { error: 'Error', description: 'Description', clientId: 'Client', occurredAt: 'Time' },
}

const errors: Readonly<Record<ErrorProblem, ErrorWords>> = {
  requestInvalid: {
    title: 'The app sent a request that does not work',
    what: 'Nothing was shared, and you were not signed in to the app.',
    next: 'Go back to the app and try once more. If this page comes again, give the reference below to the people who run the app.',
  },
  clientUnknown: {
    title: 'This app is not known here',
    what: 'The request names an app that is not registered with this sign-in service.',
    next: 'Check that you opened the right address. If you did, give the reference below to the people who run the app.',
  },
  notSentBack: {
    title: 'You were not sent on',
    what: 'An app sent you here with a request that cannot be answered. Nobody here has checked this app: it registered itself. As you are not signed in, you are not sent on to it.',
    next: 'If you know the app, open it again yourself. If you followed a link that somebody sent you, leave it at that.',
  },
  clientDisabled: {
    title: 'This app is switched off',
    what: 'Signing in to it has been stopped here.',
    next: 'Ask the people who run this sign-in service whether and when it comes back.',
  },
  redirectUriInvalid: {
    title: 'The app asked to send you to an unknown address',
    what: 'The address for the way back is not one that was registered, so you were not sent there. This protects you from being led to a false site.',
    next: 'Do not go on from the page that brought you here unless you trust it. Give the reference below to the people who run the app.',
  },
  logoutUriInvalid: {
    title: 'The app asked to send you to an unknown address',
    what: 'The address for after signing out is not one that was registered. You were not sent there, and you are still signed in here.',
    next: 'Sign out with the button below, and close the app. Give the reference to the people who run it.',
  },
  expired: {
    title: 'Too much time has passed',
    what: 'This sign-in was started a while ago and has expired.',
    next: 'Go back to the app and start again.',
  },
  otherBrowser: {
    title: 'This sign-in was started in another browser',
    what: 'It can only be finished in the browser where it began. The same happens when cookies are blocked or were cleared.',
    next: 'Go back to the app in this browser and start again. If that does not help, allow cookies for this site.',
  },
  alreadyFinished: {
    title: 'This sign-in is already finished',
    what: 'It was answered once, perhaps in another tab, and cannot be answered again.',
    next: 'Go back to the app. If you are not signed in there, start again.',
  },
  formRefused: {
    title: 'The form could not be accepted',
    what: 'It was open for too long, or it was not sent from this site. Nothing was changed.',
    next: 'Go back, reload the page, and try again.',
  },
  accountDisabled: {
    title: 'This account is switched off',
    what: 'You cannot sign in with it at present.',
    next: 'Ask the people who run this sign-in service.',
  },
  setUpLinkInvalid: {
    title: 'This link no longer works',
    what: 'The link for making the first administrator works once, and only for a short time.',
    next: 'If there is no administrator yet, restart the server: it prints a new link. Otherwise sign in.',
  },
  notFound: {
    title: 'There is nothing at this address',
    what: 'The link may be old or mistyped.',
    next: 'Check the address, or go back to the app that you came from.',
  },
  methodNotAllowed: {
    title: 'This address cannot be used that way',
    what: 'The page was opened in a way that it does not support.',
    next: 'Go back to the app that you came from and start again.',
  },
  tooManyRequests: {
    title: 'Too many requests',
    what: 'There were too many requests from your network in a short time.',
    next: 'Wait a few minutes, then try again.',
  },
  requestTooLarge: {
    title: 'The request was too large',
    what: 'The app sent more than this server accepts.',
    next: 'Give the reference below to the people who run the app.',
  },
  unavailable: {
    title: 'Signing in does not work at the moment',
    what: 'A part of this service cannot be reached. Nothing was lost.',
    next: 'Wait a moment, then reload the page. If it lasts, give the reference below to the people who run this service.',
  },
  unexpected: {
    title: 'Something went wrong here',
    what: 'The fault is on our side. Nothing was shared.',
    next: 'Try again in a moment. If it happens again, give the reference below to the people who run this service.',
  },
}

const signOut = {
  title: 'Sign out?',
  asked: (name: string): Phrase => phrase`${name} asks to end your session.`,
  lead: (count: number): string =>
    count === 1
      ? 'This account will be signed out in this browser.'
      : 'These accounts will be signed out in this browser.',
  nobody: 'There is no account to sign out in this browser.',
  note: 'Apps that you are signed in to may keep you signed in until you sign out there.',
  stay: 'Stay signed in',
}

const signedOut = {
  title: 'You are signed out',
  what: 'No account is signed in any more in this browser.',
  others: 'Other accounts stay signed in in this browser.',
  showOthers: 'Show the other accounts',
  note: 'On a shared computer, close all browser windows too.',
  signIn: 'Sign in again',
}

const setUp = {
  title: 'Create the first administrator',
  lead: 'This link works once. The account that you create here can administer this server.',
  username: 'Username',
  usernameHint: 'For signing in. Letters, digits, dots, dashes and underscores.',
  displayName: 'Your name',
  displayNameHint: 'As others should see it.',
  email: 'Email',
  password: 'Password',
  passwordHint: (length: number): string => `At least ${length} characters. A few unrelated words make a good one.`,
  passwordRepeat: 'Password, once more',
  submit: 'Create administrator',
  problem: {
    username: {
      missing: 'Enter a username.',
      invalid: 'Use only letters, digits, dots, dashes and underscores in the username.',
      taken: 'This username is taken already. Choose another.',
      tooLong: 'This username is too long. Choose a shorter one.',
    },
    displayName: { missing: 'Enter your name.', tooLong: 'This name is too long. Shorten it.' },
    email: {
      missing: 'Enter an email address.',
      invalid: 'Enter an email address such as name@example.com.',
      taken: 'This email address belongs to another account.',
      tooLong: 'This email address is too long.',
    },
    password: {
      missing: 'Choose a password.',
      tooShort: (length: number): string => `The password must have at least ${length} characters.`,
      tooLong: 'This password is too long.',
      tooCommon: 'Too many people use this password. Choose another.',
    },
    passwordRepeat: { missing: 'Enter the password a second time.', different: 'The two passwords are not the same.' },
    form: {
      expiredForm: 'This form was open for too long. Please fill in the passwords and send it again.',
      busy: 'The server is busy. Wait a little, then try again.',
    },
  },
}

/** A next step: what it is for, and the command that does it. */
export interface NextStep {
  readonly text: string
  readonly command: string
}

const nextSteps: readonly NextStep[] = [
  { text: 'Register the first app that people will sign in to:', command: 'vouchsafe client create' },
  { text: 'Add the people who may sign in:', command: 'vouchsafe user create' },
]

const done = {
  title: 'Your administrator account is ready',
  lead: 'The link that brought you here does not work any more.',
  nextHeading: 'What comes next',
  home: 'Go to the front page',
}

const home = {
  titleSignedIn: 'You are signed in',
  titleNobody: 'Nobody is signed in',
  leadSignedIn: (count: number): string =>
    count === 1 ? 'This browser is signed in with one account.' : `This browser is signed in with ${count} accounts.`,
  leadNobody: 'Open the app that you want to use; it will send you here to sign in.',
  signIn: 'Sign in',
}

const formPost = {
  title: 'One moment',
  lead: (name: string): Phrase => phrase`You are being sent back to ${name}.`,
  leadUnnamed: 'You are being sent back to the app.',
  note: 'If nothing happens, use the button.',
  submit: 'Continue',
}

const device = {
  enterTitle: 'Connect a device',
  enterLead: 'Enter the code that your television, terminal or other device shows.',
  code: 'Code',
  codeHint: 'Eight letters, such as BDFG-HJKL. Capitals, dashes and spaces do not matter.',
  next: 'Continue',
  problem: {
    unknown: 'This code is not valid, or not any more. Look at the device: it may show a new one.',
    elsewhere: 'Another account has started to use this code. Let the device show a new one.',
    throttled: (seconds: number): string => `Too many wrong codes. Wait ${duration(seconds)}, then try again.`,
  },
  title: (name: string): Phrase => phrase`Connect another device to your account with ${name}?`,
  site: (host: string): Phrase => phrase`An app of ${host}`,
  identifier: (clientId: string): Phrase => phrase`App “${clientId}”`,
  warningTitle: 'Did somebody send you here?',
  warning:
    'You are about to connect another device, which then acts in your name. If you were sent this code or link, by message, mail or phone, choose Deny: whoever sent it is after your account.',
  compare: 'Go on only if the device in front of you shows exactly this code:',
  from: (network: string): Phrase => phrase`The device asked from the network address ${network}.`,
  question: 'What the device may do',
  allowedTitle: 'The device is connected',
  allowed: (name: string): Phrase => phrase`Go back to the device: ${name} continues there. You may close this page.`,
  deniedTitle: 'The device was not connected',
  denied: (name: string): Phrase => phrase`${name} gets nothing. You may close this page.`,
}

/** The shape of a catalogue: what every language must fill, no more and no less. */
export interface Messages {
  /** BCP 47 tag for the `lang` attribute. */
  readonly lang: string
  readonly dir: 'ltr' | 'rtl'
  readonly brand: string
  readonly common: typeof common
  readonly client: typeof client
  readonly signIn: typeof signIn
  readonly selectAccount: typeof selectAccount
  readonly consent: typeof consent
  readonly scopes: typeof scopes
  readonly claims: typeof claims
  readonly values: typeof values
  readonly errorPage: typeof errorPage
  readonly errors: typeof errors
  readonly signOut: typeof signOut
  readonly signedOut: typeof signedOut
  readonly setUp: typeof setUp
  readonly done: typeof done
  readonly nextSteps: readonly NextStep[]
  readonly home: typeof home
  readonly device: typeof device
  readonly formPost: typeof formPost
}

/** The English catalogue. */
export const en: Messages = {
  lang: 'en',
  dir: 'ltr',
  brand: 'Vouchsafe',
  common,
  client,
  signIn,
  selectAccount,
  consent,
  scopes,
  claims,
  values,
  errorPage,
  errors,
  signOut,
  signedOut,
  setUp,
  done,
  nextSteps,
  home,
  device,
  formPost,
}
