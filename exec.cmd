@rem What `exec` is in a shell: the scripts in package.json begin with it, so that signals reach node and not a shell.
@%*
