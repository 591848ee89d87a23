"""`python -m linewise_models.train CONFIG …`: what torchrun starts in each process."""

from linewise_models.train.cli_train import train

if __name__ == "__main__":
    train()
