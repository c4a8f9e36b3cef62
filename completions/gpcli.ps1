# PowerShell completion for gpcli. In $PROFILE: gpcli completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName gpcli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $typed = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        Select-Object -Skip 1 |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
            else { $_.Extent.Text.Trim('"', "'") }
        })
    # PowerShell completes one item of a list (id,st) at a time: $before is what stands before it.
    $list = $commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition -and $_.Extent.EndOffset -ge $cursorPosition } |
        Select-Object -Last 1
    $before = ''
    if ($list -is [System.Management.Automation.Language.ArrayLiteralAst] -and
        $list.Extent.Text.EndsWith($wordToComplete)) {
        $before = $list.Extent.Text.Substring(0, $list.Extent.Text.Length - $wordToComplete.Length)
    }
    # Windows PowerShell drops an empty argument, so it is sent in quotes.
    $current = $before + $wordToComplete.Trim('"', "'")
    if (-not $current -and $PSVersionTable.PSVersion -lt [version]'7.3') { $current = '""' }

    gpcli __complete @typed $current 2>$null | ForEach-Object {
        $word, $note = $_ -split "`t", 2
        if ($word -eq ':files') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
            return
        }
        if (-not $note) { $note = $word }
        $item = $word.Substring($before.Length)
        $quoted = if ($item -match '[\s''"`$;&|(){}<>@#]') { "'$($item -replace "'", "''")'" } else { $item }
        [System.Management.Automation.CompletionResult]::new($quoted, $word, 'ParameterValue', $note)
    }
}
