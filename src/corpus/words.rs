//! The words that names are made of: departments, people, scripts. Plain text without dots, quotes or digits.

/// The words of the eight departments, in the order of `tree::Department`.
pub(super) const DEPARTMENTS: [&str; 8] = [
    "contracts agreements litigation compliance patents trademarks licences disputes counsel filings \
     evidence depositions settlements opinions statutes policies privacy retention disclosure mergers \
     leases charters bylaws mandates waivers notices amendments exhibits briefs hearings appeals claims \
     drafts signed templates correspondence archive clients matters closing regulatory sanctions audits \
     permits titles deeds powers trusts",
    "invoices budget ledger payroll accounts receivable payable tax audit forecast expenses receipts \
     reconciliation statements assets depreciation treasury cash loans insurance dividends equity \
     reporting consolidation closing accruals provisions vat customs grants pricing costing controlling \
     purchasing orders vendors banking transfers cards petty travel balance journal intercompany \
     capital leases quotes procurement suppliers rebates",
    "hiring applicants interviews offers onboarding contracts reviews salaries benefits pensions leave \
     absence training certificates policies handbook grievances exits references headcount planning \
     payslips bonuses travel relocation visas safety wellness surveys diversity interns apprentices \
     performance goals feedback promotions shifts timesheets rosters works council contacts birthdays \
     events badges parking canteen coaching mentoring talent",
    "proposals quotes tenders leads accounts pipeline forecasts campaigns brochures flyers newsletters \
     webinars fairs partners resellers pricing discounts orders renewals complaints presentations demos \
     references cases surveys segments personas branding logos slogans press interviews social ads \
     search content blog landing analytics targets territories commissions visits minutes contracts \
     competitors markets launches channels retail",
    "src include lib tests docs build scripts tools vendor config deploy modules services api client \
     server core utils common models views controllers migrations fixtures assets public locales \
     benchmarks examples samples protocols schemas drivers firmware kernel network storage parser \
     compiler runtime plugins packages patches releases hotfix prototypes research simulation data \
     notebooks",
    "photos raw edited exports shoots portraits products events videos footage clips audio music voice \
     podcasts subtitles storyboards renders textures illustrations icons banners posters layouts fonts \
     stock licences thumbnails previews proofs print web animations motion grading mixes masters stems \
     loops effects scans slides timelines projects deliveries archive brand catalogue packaging mockups",
    "backups images logs dumps configs certificates keys inventory licences patches drivers firmware \
     monitoring alerts tickets runbooks diagrams network firewall dns dhcp vpn mail printers phones \
     servers storage tapes snapshots virtual containers clusters scripts policies groups accounts \
     migration decommissioned vendors contracts manuals installers updates benchmarks capacity incidents \
     changes audits assets racks",
    "documents desktop downloads pictures music movies private family holiday recipes letters taxes \
     insurance car house garden school university thesis courses applications certificates health sport \
     club books articles notes ideas drafts old misc temp scans receipts banking phone backup games \
     hobbies travel tickets maps wedding birthday kids friends memories favourites projects",
];

/// What stands before a noun in a stem.
pub(super) const QUALIFIERS: &str = "annual monthly weekly final draft new old revised internal external joint central regional global \
     local short long first second third general special open closed updated approved pending urgent \
     confidential public team project";

/// Programmers' words.
pub(super) const CODE_QUALIFIERS: &str = "base main test mock async shared default custom local remote simple fast safe raw cached lazy \
     batch stream event http file user session order item list map queue index state task job";

/// Given names of users, without dots.
pub(super) const PEOPLE: &str = "dror itai maya noa yael avi tamar omer lior dana anna ben carla david elena felix greta hanna igor \
     julia karl lena marta nils olga paul quinn rosa stefan tina ugo vera willem xenia yuri zoe ahmed \
     bilal chen dina emre fatima georg hiro ines jana kofi lars mika nadia omar petra ravi sara tomas \
     uma victor wei yuki zara amir bruno clara diego erik freya gil hugo ivan jonas kira leo mona nora \
     oskar priya rami selma theo ursula viktor";

/// What groups are called after.
pub(super) const GROUPS: &str = "legal finance hr sales engineering media it staff managers interns auditors partners board projects \
     archive backup reviewers editors readers support operations research quality security";

/// Places of file servers.
pub(super) const SITES: &str = "ber ams lon nyc sfo tlv sin syd par mad rom waw prg vie zrh dub osl sto hel cph lis ath bud ist \
     cai dxb bom del tyo sel mex gru";

/// Stems in other scripts, composed (NFC); words are joined by the separator that follows them.
pub(super) const SCRIPTS: [&str; 6] = [
    "Übersicht Prüfbericht Änderung Verträge Jahresabschluß Größen Relevé Résumé Procès Année Élève \
     Señal Año Información Reunión Ação Relatório Orçamento Årsregnskap Møde Översikt Žádost Přehled \
     Öneri Şirket Çizim Łódź Umowę",
    "דוח חשבונית חוזה תקציב פרוטוקול הצעה מכתב סיכום תוכנית רשימה הזמנה קבלה תמונה מצגת נוהל טופס \
     אישור לקוחות ספקים עובדים משכורת ישיבה מסמך טיוטה",
    "Отчёт Договор Счёт Бюджет Протокол Письмо План Список Заказ Смета Акт Справка Приказ Заявка \
     Проект Схема Журнал Ведомость Расписание Инструкция Накладная Доверенность Анкета Архив",
    "報告書 合同 発票 予算 会議 計画 見積書 請求書 議事録 資料 契約 注文 写真 設計 仕様書 手順 \
     总结 方案 通知 申请 预算 图纸 名单 记录",
    "تقرير عقد فاتورة ميزانية محضر عرض رسالة خطة قائمة طلب إيصال صورة نموذج موافقة عملاء موظفون \
     اجتماع وثيقة مسودة مشروع",
    "Αναφορά Σύμβαση Τιμολόγιο Σχέδιο รายงาน สัญญา ใบแจ้ง แผน रिपोर्ट अनुबंध योजना सूची 보고서 계약서 \
     견적서 회의록 Աշխատանք Պլան ანგარიში გეგმა",
];

/// The words of a text.
pub(super) fn words(text: &'static str) -> Vec<&'static str> {
    text.split_ascii_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_needs_an_escape_or_could_be_taken_for_a_carrier() {
        let texts = DEPARTMENTS.iter().chain(&SCRIPTS).chain(&[
            QUALIFIERS,
            CODE_QUALIFIERS,
            PEOPLE,
            GROUPS,
            SITES,
        ]);
        for word in texts.flat_map(|text| words(text)) {
            let is_plain = word.chars().all(|letter| {
                !letter.is_control() && !"\"\\/:*?<>|.~-_ ".contains(letter) && !letter.is_numeric()
            });
            assert!(is_plain && !word.is_empty(), "{word}");
        }
    }

    #[test]
    fn there_are_enough_words_and_none_twice_in_a_department() {
        for text in DEPARTMENTS {
            let mut all = words(text);
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{text}");
            assert!(count >= 40, "{count} words: {text}");
        }
    }
}
