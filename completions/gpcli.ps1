# PowerShell completion for gpcli. In $PROFILE: gpcli completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName gpcli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $typed = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 |
        ForEach-Object { $_.Extent.Text.Trim('"', "'") })
    # Windows PowerShell drops an empty argument, so it is sent in quotes.
    $current = if ($wordToComplete) { $wordToComplete.Trim('"', "'") } else { '""' }
    if ($PSVersionTable.PSVersion -ge [version]'7.3') { $current = $current.Trim('"') }

    gpcli __complete @typed $current 2>$null | ForEach-Object {
        $word, $note = $_ -split "`t", 2
        if ($word -eq ':files') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
            return
        }
        if (-not $note) { $note = $word }
        $quoted = if ($word -match '\s') { "'$($word -replace "'", "''")'" } else { $word }
        [System.Management.Automation.CompletionResult]::new($quoted, $word, 'ParameterValue', $note)
    }
}
