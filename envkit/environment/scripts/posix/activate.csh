# Read this file with "source" from csh or tcsh: it changes the shell that reads it.

alias deactivate 'test $?_OLD_VIRTUAL_PATH != 0 && setenv PATH $_OLD_VIRTUAL_PATH:q && unset _OLD_VIRTUAL_PATH; test $?_OLD_VIRTUAL_PYTHONHOME != 0 && setenv PYTHONHOME $_OLD_VIRTUAL_PYTHONHOME:q && unset _OLD_VIRTUAL_PYTHONHOME; test $?_OLD_VIRTUAL_PROMPT != 0 && set prompt = $_OLD_VIRTUAL_PROMPT:q && unset _OLD_VIRTUAL_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; rehash; test "\!:*" != "nondestructive" && unalias deactivate'

# A second activation starts from the original state.
deactivate nondestructive

setenv VIRTUAL_ENV __VENV_DIR__
__VENV_LOCATE__
set _OLD_VIRTUAL_PATH = $PATH:q
set _ENVKIT_BIN = __VENV_BIN_NAME__
setenv PATH $VIRTUAL_ENV:q/$_ENVKIT_BIN:q\:$PATH:q
unset _ENVKIT_BIN
setenv VIRTUAL_ENV_PROMPT __VENV_PROMPT__

if ( $?PYTHONHOME ) then
    set _OLD_VIRTUAL_PYTHONHOME = $PYTHONHOME:q
    unsetenv PYTHONHOME
endif

if ( ! $?VIRTUAL_ENV_DISABLE_PROMPT ) then
    if ( $?prompt ) then
        set _OLD_VIRTUAL_PROMPT = $prompt:q
        set _ENVKIT_PREFIX = __VENV_PREFIX__
        set prompt = $_ENVKIT_PREFIX:q$prompt:q
        unset _ENVKIT_PREFIX
    endif
endif

alias pydoc python -m pydoc

rehash
