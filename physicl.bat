@echo off
rem physicl_twin on Windows: set-up and every command (see physicl.sh, which does the same).
setlocal enableextensions
set "HERE=%~dp0"
set "VENV=%HERE%.venv"
set "LOCKS=%HERE%config\requirements"
set "SETS=base"
if /i "%~1"=="test" set "SETS=base cad dxf fbx robots bim augment dev"
if /i "%~1"=="install" (
  if "%~2"=="" (echo physicl: install what? Sets: cad dxf fbx robots bim augment dev all 1>&2 & exit /b 1)
  if /i "%~2"=="all" (set "SETS=base cad dxf fbx robots bim augment dev") else (set "SETS=base %~2")
)
if not exist "%VENV%\Scripts\python.exe" (
  if defined PHYSICL_PYTHON ("%PHYSICL_PYTHON%" -m venv "%VENV%") else (py -3.12 -m venv "%VENV%")
  if errorlevel 1 (echo physicl: no Python 3.12 found. Install one or set PHYSICL_PYTHON. 1>&2 & exit /b 1)
)
for %%S in (%SETS%) do (
  fc /b "%LOCKS%\%%S.lock" "%VENV%\.physicl\%%S.lock" >nul 2>&1
  if errorlevel 1 (
    echo physicl: installing the packages of '%%S' 1>&2
    "%VENV%\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --require-hashes -r "%LOCKS%\%%S.lock" 1>&2
    if errorlevel 1 (echo physicl: the packages of '%%S' could not be installed. 1>&2 & exit /b 1)
    if not exist "%VENV%\.physicl" mkdir "%VENV%\.physicl"
    copy /y "%LOCKS%\%%S.lock" "%VENV%\.physicl\%%S.lock" >nul
  )
)
if /i "%~1"=="install" exit /b 0
set "PHYSICL_HOME=%HERE%"
set "PYTHONPATH=%HERE%;%PYTHONPATH%"
"%VENV%\Scripts\python.exe" -m physicl_twin.cli %*
exit /b %errorlevel%
