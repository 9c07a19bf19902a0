#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char (*cli_table_row(cli_table *t))[96]
{
    if (t->n_rows == t->capacity) {
        size_t wanted = t->capacity ? 2 * t->capacity : 16;
        void *grown = realloc(t->cells, wanted * sizeof(*t->cells));
        if (!grown)
            return NULL;
        t->cells = grown;
        t->capacity = wanted;
    }
    memset(t->cells[t->n_rows], 0, sizeof(*t->cells));
    return t->cells[t->n_rows++];
}

static void print_text(const cli_table *t)
{
    int widths[CLI_COLUMNS] = {0};
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t c = 0; c < t->n_columns; c++)
            if ((int)strlen(t->cells[r][c]) > widths[c])
                widths[c] = (int)strlen(t->cells[r][c]);
    printf("\n== %s ==\n", t->title);
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t c = 0; c < t->n_columns; c++)
            if (c + 1 < t->n_columns)
                printf("%-*s  ", widths[c], t->cells[r][c]);
            else
                printf("%s\n", t->cells[r][c]);
}

static void print_markdown(const cli_table *t)
{
    printf("\n### %s\n\n", t->title);
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            printf(c ? " | " : "| ");
            for (const char *p = t->cells[r][c]; *p; p++)
                printf(*p == '|' ? "\\%c" : "%c", *p);
        }
        printf(" |\n");
        for (size_t c = 0; r == 0 && c < t->n_columns; c++)
            printf("|---%s", c + 1 < t->n_columns ? "" : "|\n");
    }
}

static void print_escaped(const char *text)
{
    for (; *text; text++)
        if (strchr("&%$#_{}", *text))
            printf("\\%c", *text);
        else if (strchr("~^\\", *text))
            printf("\\char`\\%c{}", *text);
        else
            putchar(*text);
}

static void print_latex(const cli_table *t)
{
    printf("\n\\begin{table}\n\\caption{");
    print_escaped(t->title);
    printf("}\n\\begin{tabular}{l");
    for (size_t c = 1; c < t->n_columns; c++)
        putchar('r');
    printf("}\n\\hline\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            printf(c ? " & " : "");
            print_escaped(t->cells[r][c]);
        }
        printf(" \\\\\n%s", r == 0 ? "\\hline\n" : "");
    }
    printf("\\hline\n\\end{tabular}\n\\end{table}\n");
}

void cli_table_print(const cli_table *t)
{
    if (!strcmp(t->format, "markdown"))
        print_markdown(t);
    else if (!strcmp(t->format, "latex"))
        print_latex(t);
    else
        print_text(t);
}
