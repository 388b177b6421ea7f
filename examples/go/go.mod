module review

go 1.19
