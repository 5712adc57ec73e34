#!/usr/bin/env node
// Owns being there before the first build, so that npm can link the command. Never holds anything of the command itself.

import '../dist/cli/main.js'
