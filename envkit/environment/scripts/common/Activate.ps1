# Run this file with ". Activate.ps1" from PowerShell: it changes the session that runs it.

function global:deactivate ([switch]$NonDestructive) {
    if (Test-Path -Path Function:_OLD_VIRTUAL_PROMPT) {
        Copy-Item -Path Function:_OLD_VIRTUAL_PROMPT -Destination Function:prompt
        Remove-Item -Path Function:_OLD_VIRTUAL_PROMPT
    }
    if (Test-Path -Path Env:_OLD_VIRTUAL_PYTHONHOME) {
        Copy-Item -Path Env:_OLD_VIRTUAL_PYTHONHOME -Destination Env:PYTHONHOME
        Remove-Item -Path Env:_OLD_VIRTUAL_PYTHONHOME
    }
    if (Test-Path -Path Env:_OLD_VIRTUAL_PATH) {
        Copy-Item -Path Env:_OLD_VIRTUAL_PATH -Destination Env:PATH
        Remove-Item -Path Env:_OLD_VIRTUAL_PATH
    }
    foreach ($name in 'VIRTUAL_ENV', 'VIRTUAL_ENV_PROMPT') {
        if (Test-Path -Path "Env:$name") {
            Remove-Item -Path "Env:$name"
        }
    }
    if (Get-Variable -Name _ENVKIT_PREFIX -Scope Global -ErrorAction SilentlyContinue) {
        Remove-Variable -Name _ENVKIT_PREFIX -Scope Global -Force
    }
    if (-not $NonDestructive) {
        Remove-Item -Path Function:deactivate
    }
}

# A second activation starts from the original state.
deactivate -NonDestructive

$env:VIRTUAL_ENV = __VENV_DIR__
__VENV_LOCATE__
$env:VIRTUAL_ENV_PROMPT = __VENV_PROMPT__

if (-not $env:VIRTUAL_ENV_DISABLE_PROMPT) {
    function global:_OLD_VIRTUAL_PROMPT { '' }
    Copy-Item -Path Function:prompt -Destination Function:_OLD_VIRTUAL_PROMPT
    New-Variable -Name _ENVKIT_PREFIX -Scope Global -Option ReadOnly -Force -Value __VENV_PREFIX__
    function global:prompt {
        Write-Host -NoNewline -ForegroundColor Green $_ENVKIT_PREFIX
        _OLD_VIRTUAL_PROMPT
    }
}

if (Test-Path -Path Env:PYTHONHOME) {
    Copy-Item -Path Env:PYTHONHOME -Destination Env:_OLD_VIRTUAL_PYTHONHOME
    Remove-Item -Path Env:PYTHONHOME
}

Copy-Item -Path Env:PATH -Destination Env:_OLD_VIRTUAL_PATH
$env:PATH = (Join-Path -Path $env:VIRTUAL_ENV -ChildPath __VENV_BIN_NAME__) + [System.IO.Path]::PathSeparator + $env:PATH
