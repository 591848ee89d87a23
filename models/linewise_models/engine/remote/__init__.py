"""An engine on another machine: any server that speaks the OpenAI completions protocol.

`client` is the engine, `address` says where it is and what that means for the user's code, `key`
finds the key, `link` carries requests, `server` finds out what answers, `fim` and `prompt` turn
parts into what it understands, `stream` reads what it says.
"""
