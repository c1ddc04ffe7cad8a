# Freeze the program on Windows and pack it into a .zip: powershell -File scripts\package-windows.ps1
#
# Written without a Windows machine: nobody has run this yet. Not done: an installer, a start-menu entry, an icon, the
# association of .circuit and a signature (without which SmartScreen warns about a downloaded program).
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..")

function Invoke-Checked {
    $command, $rest = $args
    & $command @rest
    if ($LASTEXITCODE -ne 0) { throw "$command $rest ended with $LASTEXITCODE" }
}

$python = "build\bundle-venv\Scripts\python.exe"
if (-not (Test-Path $python)) { Invoke-Checked py -3 -m venv --clear build\bundle-venv }
Invoke-Checked $python -m pip --disable-pip-version-check install --no-input -c constraints.txt ".[gguf,bundle]"
$env:PYTHONPATH = "."
Invoke-Checked $python -m PyInstaller --noconfirm --log-level WARN --workpath build\frozen explorer.spec
Invoke-Checked dist\circuit-explorer\circuit-explorer.exe self-test

$version = [regex]::Match((Get-Content -Raw explorer\__init__.py), '__version__ = "(.*)"').Groups[1].Value
$zip = "dist\circuit-explorer-$version-windows-x86_64.zip"
Compress-Archive -Force -Path dist\circuit-explorer -DestinationPath $zip
Write-Output "${zip}: unpack it anywhere and start circuit-explorer.exe in it."
