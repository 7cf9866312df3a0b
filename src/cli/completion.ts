import type { Command } from 'commander';
import { WeirError } from '../util/errors.ts';
import { type Io, write } from './io.ts';

/*
 * The shells ask `weir complete` for what the last word may go on with; it prints a proposal a line: the text, a tab, and what it is. The line
 * `:files` stands for names of files, which the shell knows better.
 */

const BASH = `# Completions of weir for bash. Now: source <(weir completion bash)
# For good: weir completion bash > /etc/bash_completion.d/weir
_weir() {
  local line files= IFS=$'\\n'
  COMPREPLY=()
  for line in $(weir complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    if [ "$line" = ':files' ]; then files=1; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); fi
  case "\${COMPREPLY[0]}" in *,|*/) compopt -o nospace 2>/dev/null ;; esac
}
complete -F _weir weir
`;

const ZSH = `#compdef weir
# Completions of weir for zsh. Now: source <(weir completion zsh)
# For good: weir completion zsh > "\${fpath[1]}/_weir"
_weir() {
  local line files= found texts=() shown=()
  for line in "\${(@f)$(weir complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ':files' ]]; then files=1; continue; fi
    [[ -z $line ]] && continue
    texts+=("\${line%%$'\\t'*}")
    shown+=("\${line%%$'\\t'*} -- \${line#*$'\\t'}")
  done
  (( \${#texts} )) && compadd -l -d shown -a texts
  [[ -n $files ]] && _files
}
if [ "$funcstack[1]" = _weir ]; then _weir "$@"; else compdef _weir weir; fi
`;

const FISH = `# Completions of weir for fish. For good: weir completion fish > ~/.config/fish/completions/weir.fish
function __weir_complete
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  for line in (weir complete -- $words 2>/dev/null)
    if test "$line" = ':files'
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c weir -f -a '(__weir_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

const EXAMPLES = `
Examples:
  source <(weir completion bash)                                     for this bash
  weir completion bash > /etc/bash_completion.d/weir                 for every bash
  weir completion zsh > "\${fpath[1]}/_weir"                          for zsh
  weir completion fish > ~/.config/fish/completions/weir.fish        for fish
`;

/** Adds the argument of `weir completion` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  command
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText('after', EXAMPLES)
    .action(async (shell: string) => {
      const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
      if (script === undefined)
        throw new WeirError('WEIR_USAGE', `there are no completions for '${shell.slice(0, 40)}'`, {
          hint: 'There are for bash, zsh and fish.',
        });
      await write(io.stdout, script);
      exit(0);
    });
}
