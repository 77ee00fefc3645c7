# Use this file with "overlay use activate.nu" from Nushell; "deactivate" leaves again.

export-env {
    let virtual_env = __VENV_DIR__
    __VENV_LOCATE__
    let bin = ($virtual_env | path join __VENV_BIN_NAME__)
    let path_name = (if "Path" in $env { "Path" } else { "PATH" })
    let old_path = ($env | get $path_name)
    let old_path = (if ($old_path | describe) == "string" { $old_path | split row (char esep) } else { $old_path })
    load-env ({
        VIRTUAL_ENV: $virtual_env
        VIRTUAL_ENV_PROMPT: __VENV_PROMPT__
    } | insert $path_name ($old_path | prepend $bin))
    if not ("VIRTUAL_ENV_DISABLE_PROMPT" in $env) {
        let old_prompt = ($env.PROMPT_COMMAND? | default {|| "" })
        let prefix = __VENV_PREFIX__
        $env.PROMPT_COMMAND = {||
            $prefix + (if ($old_prompt | describe) == "closure" { do $old_prompt } else { $old_prompt })
        }
    }
}

export alias pydoc = python -m pydoc
export alias deactivate = overlay hide activate
