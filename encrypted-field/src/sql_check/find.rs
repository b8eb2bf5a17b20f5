//! The places of a statement at which values are compared.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, ConflictTarget, Distinct, DuplicateTreatment, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, InTarget, Insert, JoinConstraint,
    JoinOperator, OnInsert, OrderByExpr, Query, Select, SelectItem, SetExpr, SetOperator,
    SetQuantifier, Spanned, Statement, TableObject, TableWithJoins, Value, Visit, Visitor,
    WindowType,
};

use super::Misuse;
use super::columns::{Columns, Tables};

/// Functions whose result does not compare what their argument holds.
const OPAQUE: [&str; 10] = [
    "bit_length",
    "char_length",
    "character_length",
    "left",
    "length",
    "octet_length",
    "substr",
    "substring",
    "typeof",
    "pg_typeof",
];

/// Functions that compare their arguments, and give one of them.
const CHOOSING: [&str; 3] = ["greatest", "least", "nullif"];

/// Functions that compare their arguments, and say how.
const COMPARING: [&str; 13] = [
    "array_position",
    "field",
    "find_in_set",
    "glob",
    "instr",
    "like",
    "locate",
    "regexp_instr",
    "regexp_like",
    "regexp_matches",
    "starts_with",
    "strcmp",
    "strpos",
];

pub(super) fn comparisons(
    statement: &Statement,
    columns: &Columns,
    tables: &Tables,
    found: &mut Vec<Misuse>,
) {
    let mut finder = Finder { columns, tables, found };
    let _ = statement.visit(&mut finder);
}

struct Finder<'a> {
    columns: &'a Columns,
    tables: &'a Tables,
    found: &'a mut Vec<Misuse>,
}

impl Finder<'_> {
    fn report(&mut self, column: &str, by: &str, at: &impl Spanned) {
        let start = at.span().start;
        self.found.push(Misuse {
            column: column.to_owned(),
            by: Some(by.to_owned()),
            line: start.line,
            character: start.column,
        });
    }

    /// What is compared with each other. One of them that is the beginning of a stored value makes
    /// it a search for the rows of a key.
    fn compared<'e>(&mut self, by: &str, operands: impl IntoIterator<Item = &'e Expr>) {
        let operands: Vec<_> = operands.into_iter().collect();
        if !operands.iter().any(|operand| begins_a_stored_value(operand)) {
            for operand in operands {
                self.value(by, operand);
            }
        }
    }

    /// The encrypted columns whose values an expression passes on.
    fn value(&mut self, by: &str, expr: &Expr) {
        if let Some(column) = self.columns.named(expr, self.tables) {
            return self.report(column, by, expr);
        }
        match expr {
            Expr::Nested(inner)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Cast { expr: inner, .. }
            | Expr::Convert { expr: inner, .. }
            | Expr::Collate { expr: inner, .. }
            | Expr::Trim { expr: inner, .. } => self.value(by, inner),
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
                self.value(by, left);
                self.value(by, right);
            }
            Expr::Tuple(items) => items.iter().for_each(|item| self.value(by, item)),
            Expr::Subquery(query) => self.selected(by, query),
            Expr::Function(function) if !is_opaque(function) => {
                arguments(function).for_each(|argument| self.value(by, argument));
            }
            _ => {}
        }
    }

    /// The columns that a subquery hands out.
    fn selected(&mut self, by: &str, query: &Query) {
        if let SetExpr::Select(select) = &*query.body {
            items(select).for_each(|item| self.value(by, item));
        }
    }

    /// `ORDER BY` and its like, where a number or a name may stand for an item of the list.
    fn ordered(&mut self, by: &str, exprs: &[&Expr], select: Option<&Select>) {
        for expr in exprs {
            match select.and_then(|select| item_meant(expr, select)) {
                Some(item) => self.value(by, item),
                None => self.value(by, expr),
            }
        }
    }

    fn joined(&mut self, table: &TableWithJoins) {
        for join in &table.joins {
            if let Some(JoinConstraint::Using(names) | JoinConstraint::UsingAlias(names, _)) =
                constraint(&join.join_operator)
            {
                for name in names {
                    if let Some(column) = self.columns.unqualified(name, self.tables) {
                        self.report(column, "USING", name);
                    }
                }
            }
        }
    }

    fn distinct(&mut self, by: &str, select: &Select) {
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {
                    let all: Vec<_> =
                        self.columns.all_of(self.tables).map(ToOwned::to_owned).collect();
                    for column in &all {
                        self.report(column, by, item);
                    }
                }
                _ => {}
            }
        }
        items(select).for_each(|item| self.value(by, item));
    }

    /// Both sides of `UNION`, which keeps one of equal rows.
    fn united(&mut self, by: &str, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.distinct(by, select),
            SetExpr::SetOperation { left, right, .. } => {
                self.united(by, left);
                self.united(by, right);
            }
            _ => {}
        }
    }
}

impl Visitor for Finder<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::BinaryOp { left, op, right } if compares(op) => {
                self.compared(&op.to_string(), [&**left, right]);
            }
            Expr::AnyOp { left, compare_op: op, right, .. }
            | Expr::AllOp { left, compare_op: op, right } => {
                self.compared(&op.to_string(), [&**left, right]);
            }
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.compared("IS DISTINCT FROM", [&**left, right]);
            }
            Expr::In { expr, target, .. } => match target {
                InTarget::List(items) => {
                    self.compared("IN", std::iter::once(&**expr).chain(items));
                }
                InTarget::Subquery(query) => {
                    self.value("IN", expr);
                    self.selected("IN", query);
                }
                _ => self.value("IN", expr),
            },
            Expr::Between { expr, low, high, .. } => {
                self.compared("BETWEEN", [&**expr, low, high]);
            }
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
                self.compared("LIKE", [&**expr, pattern]);
            }
            Expr::SimilarTo { expr, pattern, .. } => {
                self.compared("SIMILAR TO", [&**expr, pattern]);
            }
            Expr::RLike { expr, pattern, .. } => self.compared("REGEXP", [&**expr, pattern]),
            Expr::Case { operand: Some(operand), .. } => self.value("CASE", operand),
            Expr::Position { expr, r#in } => self.compared("POSITION", [&**expr, r#in]),
            Expr::MatchAgainst { columns, .. } => {
                for name in columns {
                    if let Some(column) = self.columns.unqualified(name, self.tables) {
                        self.report(column, "MATCH", name);
                    }
                }
            }
            Expr::Function(function) => self.function(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        use sqlparser::ast::OrderByKind;

        if let Some(order_by) = &query.order_by
            && let OrderByKind::Expressions(exprs) = &order_by.kind
        {
            let exprs: Vec<_> = exprs.iter().map(|order| &order.expr).collect();
            let select = match &*query.body {
                SetExpr::Select(select) => Some(&**select),
                _ => None,
            };
            self.ordered("ORDER BY", &exprs, select);
        }
        if let SetExpr::SetOperation { op, set_quantifier, .. } = &*query.body
            && !matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName)
        {
            let by = match op {
                SetOperator::Union => "UNION",
                SetOperator::Intersect => "INTERSECT",
                _ => "EXCEPT",
            };
            self.united(by, &query.body);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        match &select.distinct {
            Some(Distinct::Distinct) => self.distinct("DISTINCT", select),
            Some(Distinct::On(exprs)) => {
                self.ordered("DISTINCT ON", &exprs.iter().collect::<Vec<_>>(), Some(select));
            }
            _ => {}
        }
        if let GroupByExpr::Expressions(exprs, _) = &select.group_by {
            self.ordered("GROUP BY", &exprs.iter().collect::<Vec<_>>(), Some(select));
        }
        select.from.iter().for_each(|table| self.joined(table));
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        let order_by: &[OrderByExpr] = match statement {
            Statement::Update(update) => {
                self.joined(&update.table);
                &update.order_by
            }
            Statement::Delete(delete) => &delete.order_by,
            Statement::Insert(insert) => {
                self.conflicting(insert);
                &[]
            }
            _ => &[],
        };
        for order in order_by {
            self.value("ORDER BY", &order.expr);
        }
        ControlFlow::Continue(())
    }
}

impl Finder<'_> {
    /// `ON CONFLICT (…)`: the database compares these columns of the table with the new row.
    fn conflicting(&mut self, insert: &Insert) {
        let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return };
        let Some(ConflictTarget::Columns { columns, .. }) = &conflict.conflict_target else {
            return;
        };
        let TableObject::TableName(table) = &insert.table else { return };
        let Some(table) = table.0.last().and_then(|part| part.as_ident()) else { return };
        for column in columns {
            let column = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
            self.value("ON CONFLICT", &column);
        }
    }

    /// Functions and aggregates that compare what they are given, and windows.
    fn function(&mut self, function: &Function) {
        let name = called(function);
        let is_distinct = matches!(&function.args, FunctionArguments::List(list)
            if list.duplicate_treatment == Some(DuplicateTreatment::Distinct));
        if is_distinct || name == "min" || name == "max" {
            let by = if is_distinct { "DISTINCT" } else { &name };
            arguments(function).for_each(|argument| self.value(by, argument));
        } else if CHOOSING.contains(&&*name) || COMPARING.contains(&&*name) {
            self.compared(&name, arguments(function));
        }
        if let Some(WindowType::WindowSpec(window)) = &function.over {
            window.partition_by.iter().for_each(|expr| self.value("PARTITION BY", expr));
            for order in &window.order_by {
                self.value("ORDER BY", &order.expr);
            }
        }
    }
}

fn compares(op: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        op,
        Op::Eq
            | Op::NotEq
            | Op::Lt
            | Op::LtEq
            | Op::Gt
            | Op::GtEq
            | Op::Spaceship
            | Op::Is
            | Op::IsNot
            | Op::Match
            | Op::Regexp
            | Op::Glob
            | Op::PGRegexMatch
            | Op::PGRegexIMatch
            | Op::PGRegexNotMatch
            | Op::PGRegexNotIMatch
            | Op::PGLikeMatch
            | Op::PGILikeMatch
            | Op::PGNotLikeMatch
            | Op::PGNotILikeMatch
            | Op::PGStartsWith
            | Op::AtAt
    )
}

fn is_opaque(function: &Function) -> bool {
    let name = called(function);
    OPAQUE.contains(&&*name) || COMPARING.contains(&&*name)
}

/// Its name without a schema, in lower case.
fn called(function: &Function) -> String {
    let name = function.name.0.last().and_then(|part| part.as_ident());
    name.map(|name| name.value.to_lowercase()).unwrap_or_default()
}

fn arguments(function: &Function) -> impl Iterator<Item = &Expr> {
    let list = match &function.args {
        FunctionArguments::List(list) => &list.args[..],
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Named { arg: FunctionArgExpr::Expr(expr), .. }
        | FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(expr), .. }
        | FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}

/// The expressions of the list of a `SELECT`.
fn items(select: &Select) -> impl Iterator<Item = &Expr> {
    select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    })
}

/// The item of the list that a number or an alias means.
fn item_meant<'s>(expr: &Expr, select: &'s Select) -> Option<&'s Expr> {
    match expr {
        Expr::Value(value) => {
            let Value::Number(number, _) = &value.value else { return None };
            let at: usize = number.parse().ok()?;
            match select.projection.get(at.checked_sub(1)?)? {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    Some(expr)
                }
                _ => None,
            }
        }
        Expr::Identifier(name) => select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias }
                if alias.value.eq_ignore_ascii_case(&name.value) =>
            {
                Some(expr)
            }
            _ => None,
        }),
        _ => None,
    }
}

fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::StraightJoin(constraint) => Some(constraint),
        _ => None,
    }
}

/// A literal that the stored form begins with, text or binary.
fn begins_a_stored_value(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::Collate { expr: inner, .. } => begins_a_stored_value(inner),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                text.starts_with("ef1") || text.starts_with("\\xef6631")
            }
            Value::HexStringLiteral(hex) => hex.to_lowercase().starts_with("ef6631"),
            _ => false,
        },
        _ => false,
    }
}
