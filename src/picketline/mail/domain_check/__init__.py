"""Why the world should believe our mail: the DNS, the relay and the clock, seen from outside.

`examination.domain` is the whole; each module is one check and can be asked alone. Every check
returns findings that say what is wrong and the very record to publish, and none of them raises
because of what a stranger's server answers.
"""
