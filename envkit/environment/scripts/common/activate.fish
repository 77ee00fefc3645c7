# Read this file with "source" from fish: it changes the shell that reads it.

function deactivate -d "Leave the Python environment"
    if set -q _OLD_VIRTUAL_PATH
        set -gx PATH $_OLD_VIRTUAL_PATH
        set -e _OLD_VIRTUAL_PATH
    end
    if set -q _OLD_VIRTUAL_PYTHONHOME
        set -gx PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME
        set -e _OLD_VIRTUAL_PYTHONHOME
    end
    if set -q _OLD_FISH_PROMPT_OVERRIDE
        set -e _OLD_FISH_PROMPT_OVERRIDE
        # An environment that is started from another shares its functions only within one shell.
        if functions -q _old_fish_prompt
            functions -e fish_prompt
            functions -c _old_fish_prompt fish_prompt
            functions -e _old_fish_prompt
        end
    end
    set -e VIRTUAL_ENV
    set -e VIRTUAL_ENV_PROMPT
    functions -e _envkit_status
    if test "$argv[1]" != "nondestructive"
        functions -e deactivate
    end
end

# A second activation starts from the original state.
deactivate nondestructive

set -gx VIRTUAL_ENV __VENV_DIR__
__VENV_LOCATE__
set -gx _OLD_VIRTUAL_PATH $PATH
set -gx PATH "$VIRTUAL_ENV/"__VENV_BIN_NAME__ $PATH
set -gx VIRTUAL_ENV_PROMPT __VENV_PROMPT__

if set -q PYTHONHOME
    set -gx _OLD_VIRTUAL_PYTHONHOME $PYTHONHOME
    set -e PYTHONHOME
end

if test -z "$VIRTUAL_ENV_DISABLE_PROMPT"
    functions -q fish_prompt; or function fish_prompt; echo -n '> '; end
    functions -c fish_prompt _old_fish_prompt
    function fish_prompt
        # The old prompt may show the status of the last command, so it has to be there again.
        set -l before $status
        printf '%s%s%s' (set_color green) __VENV_PREFIX__ (set_color normal)
        _envkit_status $before
        _old_fish_prompt
    end
    function _envkit_status
        return $argv[1]
    end
    set -gx _OLD_FISH_PROMPT_OVERRIDE "$VIRTUAL_ENV"
end
