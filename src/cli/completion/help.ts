export const COMPLETION_HELP = `egress completion - prints a shell's script that completes commands and options

Usage: egress completion bash|zsh|fish

  bash    eval "$(egress completion bash)"           in ~/.bashrc
  zsh     eval "$(egress completion zsh)"            in ~/.zshrc, after compinit
  fish    egress completion fish | source            in ~/.config/fish/config.fish

Exit: 0 done; 64 wrong command line.
`;
