# bash completion for pacs and viewer-cli. What there is to complete is asked of the programs' own help, so it is never out of date.

# The words of a help text that begin a line of its list: "  WORD  ...".
_pacs_listed() { "$1" help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'; }
# Options and subcommands of a command.
_pacs_options() { "$1" help "$2" 2>/dev/null | grep -o -- '--[a-z][a-z-]*' | sort -u; }
_pacs_subcommands() { "$1" help "$2" 2>/dev/null | { head -1; } | sed -n "s/^.* $2 \\[\\{0,1\\}\\([a-z][a-z|]*\\).*/\\1/p" | tr '|' '\n' | grep -vx -- "$2"; }
# Names of the node sections of the folder in hand.
_pacs_nodes() { "$1" -C "$2" --json node list 2>/dev/null | sed -n 's/^ *"name": "\([^"]*\)".*/\1/p'; }

_pacs_reply() { COMPREPLY=($(compgen -W "$1" -- "$2")); }

_pacs()
{
	local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} dir=. command= sub= i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-C) dir=${COMP_WORDS[++i]} ;;
		-*) ;;
		*) if [ -z "$command" ]; then command=${COMP_WORDS[i]}; elif [ -z "$sub" ]; then sub=${COMP_WORDS[i]}; fi ;;
		esac
	done
	case $prev in
	-C|--dir|--from-dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--level) _pacs_reply "clinic county province" "$cur"; return ;;
	--action) _pacs_reply "forward worklist compress" "$cur"; return ;;
	--to) _pacs_reply "$(_pacs_nodes "$program" "$dir")" "$cur"; return ;;
	esac
	if [ -z "$command" ]; then
		_pacs_reply "$(_pacs_listed "$program") -C --json --help" "$cur"
	elif [[ $cur == -* ]]; then
		_pacs_reply "$(_pacs_options "$program" "$command") --json -C" "$cur"
	elif [ "$command" = help ]; then
		_pacs_reply "$(_pacs_listed "$program") conf" "$cur"
	elif [ "$command" = node ] && [[ $sub == remove || $sub == echo ]]; then
		_pacs_reply "$(_pacs_nodes "$program" "$dir")" "$cur"
	elif [ -z "$sub" ]; then
		_pacs_reply "$(_pacs_subcommands "$program" "$command")" "$cur"
		case $command in init|backup|restore) COMPREPLY+=($(compgen -d -- "$cur")) ;; import|export) COMPREPLY+=($(compgen -f -- "$cur")) ;; esac
	else
		case $command in backup|restore|import|export) COMPREPLY=($(compgen -f -- "$cur")) ;; esac
	fi
}

_viewer_cli()
{
	local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--node|--called|--calling) ((i++)) ;;
		-*) ;;
		*) command=${COMP_WORDS[i]}; break ;;
		esac
	done
	case $prev in
	-o) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--state) _pacs_reply "SCHEDULED COMPLETED CANCELED" "$cur"; return ;;
	--reason) _pacs_reply "rejected quality specialist incomplete" "$cur"; return ;;
	--png|--jpeg) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	esac
	if [ -z "$command" ]; then
		_pacs_reply "$(_pacs_listed "$program") --node --called --calling" "$cur"
	elif [[ $cur == -* ]]; then
		_pacs_reply "$(_pacs_options "$program" "$command")" "$cur"
	elif [ "$command" = help ]; then
		_pacs_reply "$(_pacs_listed "$program")" "$cur"
	elif [ "$command" = show ]; then
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}

complete -F _pacs pacs
complete -F _viewer_cli viewer-cli
