// Owns the page that posts an authorization response. Never changes a parameter; nothing of use follows it.

import { postTarget } from '../links.ts'
import type { FormPostPage } from '../model.ts'
import { exact } from '../text.ts'
import { clientName } from './parts.ts'
import type { PresentContext, View } from './view.ts'

/** The self-submitting form (OAuth 2.0 Form Post Response Mode §2); without a nonce it waits for its button. */
export const presentFormPost = (page: FormPostPage, { m, context }: PresentContext): View => ({
  template: 'form-post',
  title: m.formPost.title,
  data: {
    action: exact(postTarget(page.action)),
    fields: page.fields.map(({ name, value }) => ({ name: exact(name), value: exact(value) })),
    lead: page.clientName === undefined ? [m.formPost.leadUnnamed] : m.formPost.lead(clientName(page.clientName, m)),
    nonce: context.nonce,
  },
})
