/**
 * The completion script for Bash. The library's needs the package bash-completion, cannot be loaded twice, and switches off
 * the completion of files.
 */
export const BASH_SCRIPT = `# bash completion for sluice
__sluice_complete() {
    local line=\${COMP_LINE:0:COMP_POINT} words value
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local current=\${words[\${#words[@]}-1]}
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        [[ -n $value && $value != :* && $value == "$current"* ]] && COMPREPLY+=("$value")
    done < <(sluice complete -- "\${words[@]:1}" 2>/dev/null)
    # Bash replaces only what follows the last of these characters.
    local before=\${current%"\${current##*[:=]}"}
    COMPREPLY=("\${COMPREPLY[@]#"$before"}")
}
# Files are completed where there is nothing else.
complete -o default -F __sluice_complete sluice`;
